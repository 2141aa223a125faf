// The OpenAPI documents of all services, taken from the services themselves, which are put together but do not listen.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type App, createLog, createStageApp, openStore, readResources, type Stage } from '@meshwork/kit'
import { createGateway } from '../../gateway/src/app.ts'
import { stageNames } from '../../launcher/src/mesh.ts'
import { createOrchestrator } from '../../orchestrator/src/app.ts'

export async function openApiDocuments(): Promise<Map<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-openapi-'))
  const store = await openStore(pathToFileURL(join(folder, 'store')).href)
  const log = createLog({ module: 'generate', version: '0.0.0', level: 'silent' })
  const documents = new Map<string, unknown>()
  try {
    for (const name of stageNames) {
      const module = new URL(`../../services/${name}/src/stage.ts`, import.meta.url)
      const { stage } = (await import(module.href)) as { stage: Stage }
      const options = {
        stage,
        module: module.href,
        store,
        resources: readResources(),
        log,
        concurrency: 1,
        queue: 1,
        bodyLimitBytes: 1_048_576,
        workerMemoryBytes: 1e9,
        environment: {},
      }
      const { app } = await createStageApp(options)
      const whole = await documentOf(app)
      const majors = [stage.major, ...(stage.earlier ?? []).map(({ major }) => major)]
      for (const major of majors) documents.set(`${name}.v${major}`, ofMajor(whole, name, majors, major))
      await app.close()
    }
    const orchestrator = await createOrchestrator({
      stateFolder: join(folder, 'state'),
      stages: [],
      runsMax: 1,
      callsMax: 1,
      eventStreamsMax: 1,
      log,
    })
    documents.set('orchestrator.v1', await documentOf(orchestrator.app))
    await orchestrator.app.close()
    await orchestrator.stop()
    const gateway = await createGateway({
      upstreams: { orchestrator: 'http://127.0.0.1:1', stages: new Map() },
      store,
      log,
    })
    documents.set('gateway.v1', await documentOf(gateway.app))
    await gateway.app.close()
    return documents
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface OpenApi {
  readonly openapi?: string
  readonly paths: Readonly<Record<string, unknown>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

/** One contract of a service that serves several: without the calls of the others and the schemas that only those use. */
function ofMajor(whole: OpenApi, stage: string, majors: readonly number[], major: number): unknown {
  if (majors.length === 1) return whole
  const others = majors.filter(other => other !== major).map(other => `/v${other}/${stage}`)
  const isOther = (path: string) => others.some(other => path === other || path.startsWith(`${other}/`))
  const paths = Object.fromEntries(Object.entries(whole.paths).filter(([path]) => !isOther(path)))
  const { schemas } = whole.components
  const used = new Set<string>()
  const open = refsIn(paths)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (used.has(name)) continue
    used.add(name)
    open.push(...refsIn(schemas[name]))
  }
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)))
  return { ...whole, paths, components: { ...whole.components, schemas: kept } }
}

const refsIn = (value: unknown): string[] =>
  [...JSON.stringify(value ?? null).matchAll(/"#\/components\/schemas\/([A-Za-z0-9]+)"/g)].map(([, name]) => name ?? '')

async function documentOf(app: App): Promise<OpenApi> {
  const answer = await app.inject('/openapi.json')
  const document = answer.json<OpenApi>()
  if (!document.openapi?.startsWith('3.1')) throw new Error(`no OpenAPI document: ${answer.body.slice(0, 300)}`)
  return document
}
