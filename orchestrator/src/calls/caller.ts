// Makes the calls of walks: at a deployment that takes calls, in a place there, as the limits of the stage allow. Calls of items
// that find no place may be made by another orchestrator, and calls of others are made here while there are places.

import { type JsonValue, ProblemError, type Progress } from '@meshwork/contracts'
import type { Logger } from 'pino'
import type { Answer } from '../stage/answer.ts'
import type { Outcome } from '../stage/circuit.ts'
import { restartMs, type StageClient } from '../stage/client.ts'
import type { Directory, Entered } from '../stage/directory.ts'
import type { SharedCalls, SharedRequest } from '../store/shared-calls.ts'
import { CallGiver, type Made, type Shared } from './giver.ts'
import { CallLimits } from './call-limits.ts'
import type { CallWait } from './call-wait.ts'
import type { StageCalls } from './stage-calls.ts'
import { CallTaker } from './taker.ts'

export interface CallRequest {
  readonly stage: string
  readonly major: number
  readonly step: string
  readonly runId: string
  readonly attempt: number
  readonly fence: number
  /** Whether it is of an item of a list: another orchestrator may make it. */
  readonly item: boolean
  readonly idempotencyKey: string
  readonly body: JsonValue
  readonly timeoutMs: number
  readonly traceparent: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
  /** It waits to be sent, or waits for something else now. */
  readonly onWait: (wait: CallWait) => void
  readonly onSent: () => void
}

export interface CallerOptions {
  readonly directory: Directory
  readonly client: StageClient
  readonly stageCalls: StageCalls
  /** In flight at one time for each address. */
  readonly callsMax: number
  /** Where there can be other orchestrators. */
  readonly shared?: SharedCalls | undefined
  readonly log: Logger
  readonly told: (what: Shared) => void
}

export class Caller {
  readonly #options: CallerOptions
  readonly #limits: CallLimits
  readonly #giver: CallGiver | undefined
  readonly #taker: CallTaker | undefined

  constructor(options: CallerOptions) {
    this.#options = options
    const { shared, callsMax, log, told, directory } = options
    this.#limits = new CallLimits(callsMax)
    if (!shared) return
    this.#giver = new CallGiver({ shared, callsMax, log, told })
    const taker = new CallTaker({
      shared,
      call: async (request, signal) => await this.call(ofAnother(request, signal)),
      room: () => (this.#limits.waits ? 0 : callsMax - taker.size),
      contracts: () => directory.contracts(),
      log,
    })
    this.#taker = taker
  }

  start(): void {
    this.#giver?.start()
    this.#taker?.start()
  }

  /** Ends the calls that are made for others. */
  async takeNoMore(): Promise<void> {
    await this.#taker?.stop()
  }

  /** When no walk calls any more. */
  async stop(): Promise<void> {
    await this.#giver?.stop()
  }

  /** Places for calls of an address. */
  places(url: string): ReturnType<CallLimits['of']> {
    return this.#limits.of(url)
  }

  async call(call: CallRequest): Promise<Answer> {
    const { directory, client, stageCalls } = this.#options
    const releases: (() => void)[] = []
    let entered: Entered | undefined
    let outcome: Outcome = 'unknown'
    try {
      // Who waits for a place counts as in flight, so that the next goes elsewhere.
      entered = await directory.enter(call.stage, call.major, call.attempt > 1, call)
      const { deployment } = entered
      const made = await this.#placeFor(call, deployment.url)
      if (made.kind === 'elsewhere') return made.answer
      releases.push(made.release)
      releases.push(await stageCalls.take(call.stage, call))
      call.onSent()
      const answer = await client.call({ ...call, deployment })
      outcome = outcomeOf(answer)
      return answer
    } catch (error) {
      if (call.signal.aborted) return { kind: 'aborted' }
      if (error instanceof ProblemError)
        return { kind: 'problem', problem: error.toProblem(), retryAfterMs: restartMs(call.attempt) }
      throw error
    } finally {
      entered?.leave(outcome)
      for (const release of releases) release()
    }
  }

  /** A place at an address; one that an item waits for may come free at another orchestrator first. */
  async #placeFor(call: CallRequest, url: string): Promise<Made> {
    const take = async (signal: AbortSignal) => await this.#limits.take(url, signal)
    const { taken, max } = this.#limits.of(url)
    if (taken >= max) call.onWait({ reason: 'deployment-places', url, max })
    if (!this.#giver || !call.item || taken < max) return { kind: 'here', release: await take(call.signal) }
    const { signal, onProgress: _, onWait: __, onSent: ___, item: ____, ...request } = call
    return await this.#giver.make(request, signal, take)
  }
}

/** Items tell no progress, and what another has given is not given on. */
const ofAnother = (request: SharedRequest, signal: AbortSignal): CallRequest => ({
  ...request,
  body: request.body as JsonValue,
  item: false,
  signal,
  onProgress: () => {},
  onWait: () => {},
  onSent: () => {},
})

/** What an answer says of the deployment. One that is full (503) is no failure of it. */
function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'aborted' || answer.kind === 'lost') return 'unknown'
  if (answer.kind === 'result') return 'good'
  const { status } = answer.problem
  if (answer.problem.code === 'MESHWORK_STAGE_UNREACHABLE') return 'away'
  return status < 500 ? 'good' : status === 503 ? 'unknown' : 'bad'
}
