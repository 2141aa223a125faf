// Which deployments there are, and what they said of themselves. Those of the configuration are named by stage; those
// registered at run time are kept by the store. Looked at again in the background.

import type { DeploymentView, StageInfo } from '@meshwork/contracts'
import { closest, MeshError } from '@meshwork/contracts'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Waits } from '../calls/call-wait.ts'
import type { KnownStage } from '../definition/check.ts'
import type { StageContract } from '../typing/check-types.ts'
import { Circuit, type Outcome } from './circuit.ts'
import type { StageClient } from './client.ts'
import { type Deployment, readStageInfo } from './deployment.ts'
import { RetryBudget } from './retry-budget.ts'

interface Entry {
  readonly url: string
  /** Name from the configuration or the store, before the deployment has said its own. */
  readonly named: string
  deployment: Deployment | undefined
  status: DeploymentView['status']
  checkedAt: number | undefined
  inFlight: number
  readonly circuit: Circuit
  readonly budget: RetryBudget
}

/** A call that may be made now. */
export interface Entered {
  readonly deployment: Deployment
  leave(outcome: Outcome): void
}

const byReadiness = (a: Entry, b: Entry): number => Number(a.status === 'ready') - Number(b.status === 'ready')
const lookEveryMs = 5000
const lookTimeoutMs = 2000
/** Between two looks of a call that waits for a deployment that is being tried. */
const trialLookMs = 200

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
        circuit: new Circuit(),
        budget: new RetryBudget(),
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

  /**
   * The deployment for a call, which counts as in flight from now until `leave`. Where all that serve the contract are left
   * alone, one that still answers is called all the same, and one that is away is waited for. Waits for the budget of repeated
   * calls, too.
   */
  async enter(stage: string, major: number, repeated: boolean, { signal, onWait }: Waits): Promise<Entered> {
    for (;;) {
      signal.throwIfAborted()
      const now = performance.now()
      const serving = this.#serving(stage, major)
      const entry = serving.find(({ circuit }) => circuit.allows(now)) ?? serving.find(({ circuit }) => !circuit.isAway)
      const { deployment } = entry ?? {}
      if (entry && deployment) {
        if (!repeated) entry.budget.first()
        const waitMs = repeated ? entry.budget.take(now) : 0
        if (waitMs === 0) return { deployment, leave: this.#begin(entry) }
        onWait({ reason: 'retry-budget', url: entry.url })
        await pause(waitMs, undefined, { signal })
      } else if (serving.length === 0) await this.pick(stage, major)
      else {
        onWait({ reason: 'no-deployment', contract: `${stage}@${major}`, urls: serving.map(({ url }) => url) })
        const untilMs = Math.min(...serving.map(({ circuit }) => (circuit.openUntil ?? now) - now))
        await pause(Math.max(trialLookMs, untilMs), undefined, { signal })
      }
    }
  }

  #begin(entry: Entry): Entered['leave'] {
    entry.inFlight++
    const end = entry.circuit.begin()
    return outcome => {
      entry.inFlight--
      const before = entry.circuit.openUntil
      end(outcome, performance.now())
      const { openUntil } = entry.circuit
      if ((before === undefined) !== (openUntil === undefined))
        this.#log.warn({ stage: entry.named, url: entry.url, ejected: openUntil !== undefined }, 'deployment changed')
    }
  }

  views(): DeploymentView[] {
    return [...this.#entries.values()].map(({ url, named, deployment, status, checkedAt, circuit }) => ({
      stage: deployment?.stage ?? named,
      url,
      version: deployment?.version ?? null,
      majors: [...(deployment?.majors ?? [])],
      status: circuit.openUntil !== undefined && status === 'ready' ? 'ejected' : status,
      checkedAt: checkedAt === undefined ? null : new Date(checkedAt).toISOString(),
    }))
  }

  /** `stage@major` of all that is served by deployments that are ready. */
  contracts(): string[] {
    const served = [...this.#entries.values()].flatMap(({ status, deployment }) =>
      status === 'ready' && deployment ? deployment.majors.map(major => `${deployment.stage}@${major}`) : [],
    )
    return [...new Set(served)]
  }

  #best(stage: string, major: number): Entry | undefined {
    return this.#serving(stage, major)[0]
  }

  /** Those that serve the contract, of them the ready ones if there are any; the least busy first. */
  #serving(stage: string, major: number): Entry[] {
    const serving = [...this.#entries.values()].filter(
      ({ deployment }) => deployment?.stage === stage && deployment.majors.includes(major),
    )
    const ready = serving.filter(({ status }) => status === 'ready')
    return (ready.length > 0 ? ready : serving).sort((a, b) => a.inFlight - b.inFlight)
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
