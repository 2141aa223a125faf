// Tells of steps whose calls wait to be sent while none is: what for, and that they go on.
//
// A list with more items than places always has calls that wait. It is quiet when none of them was sent for a while. The
// while doubles each time it is told of a step, so that one that goes on and waits in turns does not fill its log.

import { type CallWait, isStuck, waitText } from '../calls/call-wait.ts'
import type { Answer } from '../stage/answer.ts'
import type { StepNote } from './step-notes.ts'

export type QuietStep = Pick<StepNote, 'runId' | 'fence' | 'step' | 'attempt'>

export interface WatchedCall {
  readonly waits: (wait: CallWait) => void
  /** It was sent. */
  readonly moves: () => void
  readonly ended: (answer: Pick<Answer, 'kind'>) => void
}

interface Quiet {
  readonly of: QuietStep
  /** By the calls that wait. */
  readonly waits: Map<object, CallWait>
  /** When a call was last sent, or the first of these began to wait. */
  since: number
  /** The reason that was told and holds. */
  told: CallWait['reason'] | undefined
  times: number
}

const quietMs = 2000
const quietMaxMs = 300_000
const lookMs = 500

export class QuietCalls {
  readonly #tell: (note: StepNote) => void
  readonly #now: () => number
  readonly #steps = new Map<string, Quiet>()
  #timer: NodeJS.Timeout | undefined

  constructor(tell: (note: StepNote) => void, now: () => number = () => performance.now()) {
    this.#tell = tell
    this.#now = now
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), lookMs)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#steps.clear()
  }

  /** Of one call of a step. */
  watch(of: QuietStep): WatchedCall {
    const call = {}
    return {
      waits: wait => this.waits(of, call, wait),
      moves: () => this.moves(of, call),
      ended: ({ kind }) => (kind === 'aborted' ? this.gone(of, call) : this.moves(of, call)),
    }
  }

  /** A call waits, or waits for something else now. `call` stands for it. */
  waits(of: QuietStep, call: object, wait: CallWait): void {
    const key = keyOf(of)
    const step = this.#steps.get(key) ?? { of, waits: new Map(), since: 0, told: undefined, times: 0 }
    if (step.waits.size === 0) step.since = this.#now()
    step.waits.set(call, wait)
    this.#steps.set(key, step)
  }

  /** A call was sent, or answered by somebody else. */
  moves(of: QuietStep, call: object): void {
    const step = this.#steps.get(keyOf(of))
    if (!step) return
    step.since = this.#now()
    if (step.told !== undefined) this.#tell({ ...step.of, type: 'step.called', data: {} })
    step.told = undefined
    this.#leave(step, call)
  }

  /** A call is not to be sent any more. */
  gone(of: QuietStep, call: object): void {
    const step = this.#steps.get(keyOf(of))
    if (step) this.#leave(step, call)
  }

  look(): void {
    const now = this.#now()
    for (const step of this.#steps.values()) {
      const [wait] = step.waits.values()
      if (!wait && now - step.since > quietMaxMs) this.#steps.delete(keyOf(step.of))
      const patienceMs = Math.min(quietMaxMs, quietMs * 2 ** step.times)
      if (!wait || wait.reason === step.told || now - step.since < patienceMs) continue
      step.told = wait.reason
      step.times++
      const data = { reason: wait.reason, detail: `${waitText(wait)}.`, calls: step.waits.size }
      this.#tell({ ...step.of, type: isStuck(wait) ? 'step.stuck' : 'step.limited', data })
    }
  }

  #leave(step: Quiet, call: object): void {
    step.waits.delete(call)
    // One that was told of is kept for a while, with how often.
    if (step.waits.size === 0 && step.times === 0) this.#steps.delete(keyOf(step.of))
  }
}

const keyOf = ({ runId, step }: QuietStep) => `${runId}/${step}`
