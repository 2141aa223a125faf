// Asks stages what they would produce: POST /v1/<stage>/plan. Never throws: a stage that cannot say is a fact.

import { compile, type JsonValue, ProblemError, StagePlan } from '@meshwork/contracts'
import type { Planned, StagePlanner } from '../plan/columns.ts'
import { CallLimits } from '../calls/call-limits.ts'
import type { StageClient } from './client.ts'
import type { Deployment } from './deployment.ts'
import type { Directory } from './directory.ts'
import { PlanCache } from './plan-cache.ts'

/** Of each deployment: where steps of one stage are many, those of the next begin meanwhile. */
const inFlightMax = 8
const timeoutMs = 20_000

export class Planner implements StagePlanner {
  readonly #directory: Directory
  readonly #client: StageClient
  readonly #cache = new PlanCache()
  readonly #limits = new CallLimits(inFlightMax)

  constructor(directory: Directory, client: StageClient) {
    this.#directory = directory
    this.#client = client
  }

  async plan(stage: string, major: number, body: JsonValue): Promise<Planned> {
    try {
      const deployment = await this.#directory.pick(stage, major)
      if (!deployment.plans) return { kind: 'unplanned', reason: `stage "${stage}" has no plan` }
      const text = JSON.stringify(body)
      const key = PlanCache.key(deployment, major, text)
      const known = this.#cache.get(key, performance.now())
      if (known) return { kind: 'planned', plan: known }
      const plan = await this.#ask(deployment, major, text)
      this.#cache.set(key, plan, performance.now())
      return { kind: 'planned', plan }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return {
        kind: 'unplanned',
        reason: error instanceof ProblemError ? error.message : `it could not be asked: ${reason}`,
      }
    }
  }

  /** The same, with this deployment in the place of those of its stage; nothing of it is kept. */
  replacedBy(newer: Deployment): StagePlanner {
    return {
      plan: async (stage, major, body) => {
        if (stage !== newer.stage) return await this.plan(stage, major, body)
        try {
          return {
            kind: 'planned',
            plan: await this.#ask(newer, major, JSON.stringify(body)),
          }
        } catch (error) {
          return { kind: 'unplanned', reason: error instanceof Error ? error.message : String(error) }
        }
      },
    }
  }

  async #ask({ url, stage }: Deployment, major: number, body: string): Promise<StagePlan> {
    const release = await this.#limits.take(url, new AbortController().signal)
    try {
      const answer = await this.#client.post(`${url}/v${major}/${stage}/plan`, body, AbortSignal.timeout(timeoutMs))
      const [fault] = compile(StagePlan).check(answer)
      if (fault) throw new Error(`its answer does not fit the protocol: ${fault.pointer} ${fault.detail}`)
      return answer as StagePlan
    } finally {
      release()
    }
  }
}
