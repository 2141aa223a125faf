// Which deployments there are, and what they said of themselves. Those of the configuration are named by stage; those
// registered at run time are kept by the store. Looked at again in the background.

import type { DeploymentView, StageInfo } from '@meshwork/contracts'
import { closest, MeshError } from '@meshwork/contracts'
import type { Logger } from 'pino'
import type { KnownStage } from '../definition/check.ts'
import type { StageContract } from '../typing/check-types.ts'
import type { StageClient } from './client.ts'
import { type Deployment, readStageInfo } from './deployment.ts'

interface Entry {
  readonly url: string
  /** Name from the configuration or the store, before the deployment has said its own. */
  readonly named: string
  deployment: Deployment | undefined
  status: DeploymentView['status']
  checkedAt: number | undefined
  inFlight: number
}

const byReadiness = (a: Entry, b: Entry): number => Number(a.status === 'ready') - Number(b.status === 'ready')
const lookEveryMs = 5000
const lookTimeoutMs = 2000

export class Directory {
  readonly #entries = new Map<string, Entry>()
  readonly #client: StageClient
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(client: StageClient, log: Logger) {
    this.#client = client
    this.#log = log
  }

  add(stage: string, url: string): void {
    const origin = url.replace(/\/+$/, '')
    if (!this.#entries.has(origin))
      this.#entries.set(origin, {
        url: origin,
        named: stage,
        deployment: undefined,
        status: 'unknown',
        checkedAt: undefined,
        inFlight: 0,
      })
  }

  remove(url: string): boolean {
    return this.#entries.delete(url.replace(/\/+$/, ''))
  }

  /** Looks at an address; throws MESHWORK_STAGE_NOT_ONE when no stage answers there. */
  async describe(url: string): Promise<{ deployment: Deployment; info: StageInfo }> {
    const origin = url.replace(/\/+$/, '')
    let reason = ''
    try {
      const info = await this.#client.get(`${origin}/v1/stage`, AbortSignal.timeout(lookTimeoutMs))
      const described = readStageInfo(origin, info)
      if (described.kind === 'stage') return { deployment: described.deployment, info: info as StageInfo }
      reason = described.reason
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
    }
    throw new MeshError('MESHWORK_STAGE_NOT_ONE', { url, reason })
  }

  /** Adds an address where a stage answers. */
  async register(url: string): Promise<Deployment> {
    const { deployment } = await this.describe(url)
    this.add(deployment.stage, deployment.url)
    const entry = this.#entries.get(deployment.url) as Entry
    Object.assign(entry, { deployment, status: 'ready', checkedAt: Date.now() })
    return deployment
  }

  async start(): Promise<void> {
    await this.lookAtAll()
    const again = () => {
      if (this.#stopped) return
      this.#timer = setTimeout(() => void this.lookAtAll().then(again), lookEveryMs)
    }
    again()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async lookAtAll(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(entry => this.#look(entry)))
  }

  /** The stages that have described themselves, with their contracts; those that have not yet are looked at first. */
  async known(): Promise<KnownStage[]> {
    await Promise.all([...this.#entries.values()].filter(entry => !entry.deployment).map(entry => this.#look(entry)))
    const stages = new Map<string, Map<number, StageContract>>()
    // The best deployment of a contract stands last, and so it is the one that is checked against.
    for (const { deployment } of [...this.#entries.values()].sort(byReadiness))
      if (deployment)
        stages.set(deployment.stage, new Map([...(stages.get(deployment.stage) ?? []), ...deployment.contracts]))
    return [...stages].map(([name, contracts]) => ({
      name,
      majors: [...contracts.keys()].sort((a, b) => a - b),
      contracts,
    }))
  }

  /** A deployment that serves the contract. Throws a problem when there is none. */
  async pick(stage: string, major: number): Promise<Deployment> {
    if (!this.#best(stage, major)) await this.known()
    const best = this.#best(stage, major)
    if (best?.deployment) return best.deployment
    const silent = [...this.#entries.values()].find(({ named }) => named === stage)
    if (silent)
      throw new MeshError('MESHWORK_STAGE_UNREACHABLE', {
        stage,
        url: silent.url,
        reason: 'it has not answered GET /v1/stage',
      })
    const names = (await this.known()).map(({ name }) => name)
    const near = closest(stage, names)
    throw new MeshError('MESHWORK_STAGE_UNKNOWN', {
      stage: `${stage}@${major}`,
      suggestion: near === undefined || near === stage ? '' : `; did you mean "${near}"?`,
      known: names.join(', ') || 'none',
    })
  }

  /** The deployment for a call, which counts as in flight from now until `leave`. */
  async enter(stage: string, major: number): Promise<{ deployment: Deployment; leave: () => void }> {
    let deployment = this.#best(stage, major)?.deployment
    deployment ??= await this.pick(stage, major)
    const entry = this.#entries.get(deployment.url)
    if (entry) entry.inFlight++
    return { deployment, leave: () => void (entry && entry.inFlight--) }
  }

  views(): DeploymentView[] {
    return [...this.#entries.values()].map(({ url, named, deployment, status, checkedAt }) => ({
      stage: deployment?.stage ?? named,
      url,
      version: deployment?.version ?? null,
      majors: [...(deployment?.majors ?? [])],
      status,
      checkedAt: checkedAt === undefined ? null : new Date(checkedAt).toISOString(),
    }))
  }

  /** Of those that serve the contract the ready ones, of those the least busy. */
  #best(stage: string, major: number): Entry | undefined {
    const serving = [...this.#entries.values()].filter(
      ({ deployment }) => deployment?.stage === stage && deployment.majors.includes(major),
    )
    const ready = serving.filter(({ status }) => status === 'ready')
    return (ready.length > 0 ? ready : serving).sort((a, b) => a.inFlight - b.inFlight)[0]
  }

  async #look(entry: Entry): Promise<void> {
    const before = entry.status
    try {
      const signal = AbortSignal.timeout(lookTimeoutMs)
      const described = readStageInfo(entry.url, await this.#client.get(`${entry.url}/v1/stage`, signal))
      if (described.kind === 'stage') entry.deployment = described.deployment
      const ready = await this.#client.get(`${entry.url}/readyz`, signal).then(
        () => true,
        () => false,
      )
      entry.status = described.kind === 'stage' && ready ? 'ready' : 'unready'
    } catch {
      entry.status = 'unreachable'
    }
    entry.checkedAt = Date.now()
    if (before !== entry.status)
      this.#log.info({ stage: entry.named, url: entry.url, status: entry.status }, 'deployment changed')
  }
}
