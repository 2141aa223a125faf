// The inference service over a folder of fixtures, on a real port.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStage, type StageOverrides, type TestScope } from '@meshwork/kit/testing'
import { inferenceStage } from '../src/stage.ts'
import { type Publication, publish } from './repository-folder.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  // The JSON of answers is looked at freely in tests.
  readonly json: Record<string, unknown> & { error?: string; outputs?: { data: unknown[]; shape: number[] }[] }
}
export interface Server {
  readonly url: string
  readonly folder: string
  call(path: string, init?: RequestInit): Promise<Answer>
  /** A request for inference with JSON inputs. */
  infer(model: string, inputs: readonly object[], more?: object): Promise<Answer>
  /** Resolves when the index tells the state. */
  until(model: string, version: number, state: string): Promise<void>
  metrics(): Promise<string>
  /** As after SIGTERM, without the end. */
  drain(): void
  end(): Promise<void>
}
export type Models = Readonly<Record<string, readonly [fixture: string, about: Publication]>>

export async function serve(
  t: TestScope,
  models: Models,
  environment: Record<string, string> = {},
  overrides: StageOverrides = {},
): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-models-'))
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  for (const [name, [fixture, about]] of Object.entries(models)) await publish(folder, name, fixture, about)
  const module = new URL('../src/stage.ts', import.meta.url)
  const started = await startStage(t, inferenceStage(folder), module, {
    environment: { MESHWORK_INFERENCE_POLL_MS: '50', ...environment },
    ...overrides,
  })
  const { url } = started
  const call = async (path: string, init?: RequestInit): Promise<Answer> => {
    const answer = await fetch(`${url}${path}`, init)
    const bytes = Buffer.from(await answer.arrayBuffer())
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') && bytes.length > 0
    return { status: answer.status, headers: answer.headers, bytes, json: isJson ? JSON.parse(String(bytes)) : {} }
  }
  const server: Server = {
    url,
    folder,
    call,
    infer: async (model, inputs, more = {}) =>
      await call(`/v2/models/${model}/infer`, { method: 'POST', body: JSON.stringify({ inputs, ...more }) }),
    until: async (model, version, state) => {
      for (;;) {
        const { bytes } = await call('/v2/repository/index', { method: 'POST' })
        const index = JSON.parse(String(bytes)) as { name: string; version?: string; state: string }[]
        if (index.some(one => one.name === model && one.version === String(version) && one.state === state)) return
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
    metrics: async () => String((await call('/metrics')).bytes),
    drain: () => {
      started.readiness.phase = 'draining'
    },
    end: async () => {
      await started.app.close()
      await started.end()
    },
  }
  for (const [name, [, about]] of Object.entries(models))
    if (environment['MESHWORK_INFERENCE_CONTROL'] !== 'explicit') await server.until(name, about.version ?? 1, 'READY')
  return server
}
