// The mesh on one machine: which processes there are, what each is told, and in which order they end.

import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Child } from './child.ts'
import { freePorts } from './free-port.ts'

export const stageNames = [
  'ingest',
  'clean',
  'features',
  'inference',
  'postprocess',
  'aggregate',
  'evaluate',
  'report',
] as const
export const repository = fileURLToPath(new URL('../..', import.meta.url))

export interface MeshOptions {
  /** Folder for state, artefacts and caches. */
  readonly folder: string
  /** Port of the gateway; a free one without it. */
  readonly port?: number
  /** Further stages that run already: name and address. */
  readonly stages?: readonly { readonly name: string; readonly url: string }[]
  readonly logLevel?: string
  /** Further settings for the stages. */
  readonly stageEnv?: Readonly<Record<string, string>>
  readonly onLine: (name: string, line: string) => void
  readonly onRestart?: (name: string, how: string, delayMs: number) => void
  /** Ends what has been started already, in order, and rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface Mesh {
  readonly url: string
  readonly children: ReadonlyMap<string, Child>
  end(): Promise<void>
}

/** What Node compiles is kept here, which makes every later start quicker. */
const compiled = join(repository, 'node_modules/.cache/compiled')
const startTimeoutMs = 60_000
const endGraceMs = 10_000

export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const folder = resolve(options.folder)
  await mkdir(join(folder, 'store'), { recursive: true })
  const names = [...stageNames, 'orchestrator', 'gateway']
  const ports = await freePorts(names.length)
  const portOf = (name: string): number =>
    name === 'gateway' && options.port !== undefined ? options.port : (ports[names.indexOf(name)] as number)
  const urlOf = (name: string) => `http://127.0.0.1:${portOf(name)}`
  const addresses = [...stageNames.map(name => ({ name: name as string, url: urlOf(name) })), ...(options.stages ?? [])]
  const common = {
    MESHWORK_LOG_LEVEL: options.logLevel ?? 'info',
    MESHWORK_STORE_URL: pathToFileURL(join(folder, 'store')).href,
    MESHWORK_STAGES: addresses.map(({ name, url }) => `${name}=${url}`).join(','),
    NODE_COMPILE_CACHE: compiled,
    ORT_DISABLE_TELEMETRY: '1',
  }
  const settings: Record<string, Record<string, string>> = {
    orchestrator: { MESHWORK_STATE_DIR: join(folder, 'state') },
    gateway: { MESHWORK_ORCHESTRATOR_URL: urlOf('orchestrator') },
  }
  const children = new Map(
    names.map(name => {
      const env = {
        ...settingsFor(name, common, options.stageEnv),
        MESHWORK_PORT: String(portOf(name)),
        ...settings[name],
      }
      const { onLine, onRestart } = options
      return [name, new Child({ name, file: fileOf(name), env, onLine, ...(onRestart ? { onRestart } : {}) })]
    }),
  )
  const end = async () => {
    const endAll = async (some: readonly string[]) =>
      await Promise.all(some.map(async name => await children.get(name)?.end(endGraceMs)))
    for (const child of children.values()) child.expectEnd()
    await endAll(['gateway'])
    await endAll(['orchestrator'])
    await endAll(stageNames)
  }
  const stopped = Promise.withResolvers<never>()
  stopped.promise.catch(() => {}) // nobody waits for it once all listen
  const stop = () => stopped.reject(options.signal?.reason)
  options.signal?.addEventListener('abort', stop)
  try {
    options.signal?.throwIfAborted()
    for (const child of children.values()) child.start()
    const listening = [...children.values()].map(async child => await child.listening(startTimeoutMs))
    await Promise.race([Promise.all(listening), stopped.promise])
    return { url: urlOf('gateway'), children, end }
  } catch (error) {
    await end()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

const fileOf = (name: string): string =>
  join(repository, name === 'orchestrator' || name === 'gateway' ? name : join('services', name), 'src', 'main.ts')

/** A service refuses settings that it does not know, so stages are not told of each other. */
function settingsFor(
  name: string,
  common: Record<string, string>,
  stageEnv: MeshOptions['stageEnv'],
): Record<string, string> {
  const { MESHWORK_STAGES: _, ...rest } = common
  return name === 'orchestrator' || name === 'gateway' ? common : { ...rest, ...stageEnv }
}
