#!/usr/bin/env node
// meshwork-stage: stages without a mesh.

import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { ProblemError } from '@meshwork/contracts'
import { serveStage } from '../server/serve-stage.ts'
import { checkConformance } from './conformance.ts'
import { loadStage } from './load-stage.ts'
import { describeParameters } from './parameters.ts'
import { runOnce } from './run-once.ts'
import { wrapStage } from './wrap.ts'

const usage = `meshwork-stage <stage> --in a.csv --out b.csv [--with params.json]   run a stage on a file
meshwork-stage <stage> --help                                         its parameters
meshwork-stage serve --module file.ts                                 serve a stage of yours
meshwork-stage wrap --name extract -- python extract.py {in} {out}    serve an existing script as a stage
meshwork-stage conformance http://127.0.0.1:4100 [--body file.json]   check an address against the protocol

  --in       file to read: .csv, .json, .ndjson, .parquet (also .gz, .zst)
  --out      file to write: .csv, .json, .ndjson, .parquet, or .html for a report; without it only the answer is printed
  --with     JSON file with the parameters; the dataset need not stand in it
  --module   a file of yours that exports \`stage\`, instead of a stage of the repository
  --store    folder of the artefact store (default: a temporary one; serve and wrap: .meshwork/store)
  --json     print the answer as JSON
  --port     serve, wrap: port to listen on (default: a free one)
`

class UsageError extends Error {}

const separator = process.argv.indexOf('--')
const own = separator < 0 ? process.argv.slice(2) : process.argv.slice(2, separator)
const rest = separator < 0 ? [] : process.argv.slice(separator + 1)

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof ProblemError) {
    console.error(`${error.code}: ${error.message}`)
    process.exitCode = 1
  } else if (error instanceof UsageError || error instanceof TypeError) {
    console.error(`${error.message}\n\n${usage}`)
    process.exitCode = 2
  } else throw error
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments()
  const [what, address] = positionals
  if (what === undefined) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  if (what === 'wrap')
    return await serve(wrapStage({ name: values.name ?? '', version: values.version, command: rest }), import.meta.url)
  if (what === 'serve') {
    const { stage, module } = await loadStage('', values.module ?? missing('--module file.ts'))
    return await serve(stage, module)
  }
  if (what === 'conformance') {
    const body: unknown = values.body === undefined ? undefined : JSON.parse(await readFile(values.body, 'utf8'))
    return report(await checkConformance((address ?? missing('the address')).replace(/\/+$/, ''), body))
  }
  if (values.help) {
    const { stage } = await loadStage(what, values.module)
    console.log(describeParameters(stage))
    return 0
  }
  await loadStage(what, values.module) // an unknown name is told before anything else
  if (values.in === undefined && values.with === undefined) throw new UsageError('give --in FILE')
  const { module, in: input, out, with: params, store } = values
  const given = { module, in: input, out, with: params, store }
  const output = await runOnce({
    stage: what,
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as object),
    onProgress: ({ fraction, rows, message }) => {
      if (process.stderr.isTTY)
        process.stderr.write(
          `\r\u001b[2K${what} ${Math.round(fraction * 100)} %${rows === undefined ? '' : ` ${rows} rows`} ${message ?? ''}`,
        )
    },
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  if (values.json || out === undefined) console.log(JSON.stringify(output, null, values.json ? 0 : 2))
  else console.error(`wrote ${out}`)
  return 0

  async function serve(stage: Parameters<typeof serveStage>[0], from: string): Promise<number> {
    const storeUrl = values.store === undefined ? process.env['MESHWORK_STORE_URL'] : pathToFileURL(values.store).href
    const environment = {
      ...process.env,
      MESHWORK_STORE_URL: storeUrl ?? pathToFileURL('.meshwork/store').href,
      ...(values.port === undefined ? {} : { MESHWORK_PORT: values.port }),
    }
    await serveStage(stage, { module: from, environment })
    return 0
  }
}

function readArguments() {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: own,
      allowPositionals: true,
      options: {
        in: text,
        out: text,
        with: text,
        module: text,
        store: text,
        name: text,
        port: text,
        body: text,
        version: { type: 'string', default: '1.0.0' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function report(checks: Awaited<ReturnType<typeof checkConformance>>): number {
  for (const { what, fault } of checks)
    console.log(`${fault === undefined ? 'ok  ' : 'FAIL'}  ${what}${fault === undefined ? '' : `: ${fault}`}`)
  const failed = checks.filter(({ fault }) => fault !== undefined).length
  console.log(`\n${checks.length - failed} hold, ${failed} do not`)
  return failed === 0 ? 0 : 1
}

function missing(what: string): never {
  throw new UsageError(`${what} is missing`)
}
