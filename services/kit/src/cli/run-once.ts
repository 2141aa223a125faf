// A stage without a server: a file in, the stage, a file out.

import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  compile,
  type DatasetRef,
  DatasetRef as DatasetRefSchema,
  MeshError,
  type Progress,
  sentence,
} from '@meshwork/contracts'
import { Registry } from 'prom-client'
import { openStore } from '../data/open.ts'
import { readResources } from '../data/resources.ts'
import { runStage } from '../execute/run-stage.ts'
import { createLog } from '../telemetry/log.ts'
import { noTraces } from '../telemetry/traces.ts'
import { exportFile, importFile, uploadFile } from './files.ts'
import { loadStage } from './load-stage.ts'

export interface RunOnceOptions {
  readonly stage: string
  readonly module?: string
  readonly in?: string
  readonly out?: string
  /** JSON file with the parameters; the dataset need not stand in it. */
  readonly with?: string
  /** Folder of the artefact store; a temporary one without it. */
  readonly store?: string
  readonly onProgress?: (progress: Progress) => void
}

/** Runs the stage and answers its output. Throws ProblemErrors of the stage and TypeErrors of the command line. */
export async function runOnce(options: RunOnceOptions): Promise<unknown> {
  const { stage } = await loadStage(options.stage, options.module)
  for (const path of [options.in, options.with])
    if (path !== undefined && !existsSync(path)) throw new TypeError(`there is no file ${path}`)
  if (options.out !== undefined && !existsSync(dirname(resolve(options.out))))
    throw new TypeError(`there is no folder for ${options.out}`)
  const folder = options.store ?? (await mkdtemp(join(tmpdir(), 'meshwork-stage-')))
  const store = await openStore(pathToFileURL(resolve(folder)).href)
  const log = createLog({ module: stage.name, version: stage.version, level: 'warn', destination: process.stderr })
  const stop = new AbortController()
  const interrupt = () => stop.abort(new MeshError('MESHWORK_STAGE_CANCELLED'))
  process.once('SIGINT', interrupt)
  const service = {
    log,
    store,
    resources: readResources(),
    registry: new Registry(),
    traces: noTraces,
    environment: process.env,
    draining: () => false,
  }
  let end: void | (() => Promise<void>) = undefined
  const scratch = join(store.scratchRoot, randomUUID())
  try {
    await mkdir(scratch)
    end = await stage.start?.(service)
    const params = options.with === undefined ? {} : readParams(options.with, await readFile(options.with, 'utf8'))
    const data = options.in === undefined ? {} : await inputOf(stage.name, options.in)
    const body = { ...data, ...params }
    const faults = compile(stage.input).check(body)
    if (faults.length > 0)
      throw new MeshError(
        'MESHWORK_REQUEST_INVALID',
        { what: 'The parameters', problems: sentence(faults) },
        { errors: faults },
      )
    const hooks = { signal: stop.signal, onProgress: options.onProgress ?? (() => {}) }
    const output = await runStage(
      { stage, store, resources: service.resources, log },
      { body, inputHash: '', run: undefined, traceId: undefined },
      hooks,
    )
    if (options.out !== undefined) await writeOutput(output, options.out)
    return output
  } finally {
    process.off('SIGINT', interrupt)
    await end?.()
    await rm(scratch, { recursive: true, force: true })
    if (options.store === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }

  async function inputOf(name: string, path: string): Promise<object> {
    if (name === 'ingest') return { source: await uploadFile(store, path) }
    return { dataset: (await importFile(store, path, log, stop.signal)).dataset }
  }

  async function writeOutput(output: unknown, path: string): Promise<void> {
    const { dataset, report } = output as { dataset?: DatasetRef; report?: { hash: string } }
    if (compile(DatasetRefSchema).fits(dataset)) return await exportFile(store, dataset as DatasetRef, path, scratch)
    await writeFile(path, report ? await store.read(report.hash) : `${JSON.stringify(output, null, 2)}\n`)
  }
}

function readParams(path: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
  } catch (error) {
    throw new TypeError(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  throw new TypeError(`${path} must hold a JSON object with the parameters of the stage`)
}
