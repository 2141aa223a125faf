// Calls of one version of a model on their way to the workers.
//
//  B1 A batch is made when a worker has room, of what waits then: no call waits for a batch to fill.
//  B2 Every call is settled once: answered, failed, timed out, or dropped because its caller left.
//  B3 What waits is bounded in rows and bytes; past that a call is refused at once.

import type { CallAnswer, InferAnswer, InferCall, ModelFile, Value } from '../session/messages.ts'
import { apart, joined } from '../session/merge.ts'
import { type OnlineBatch, type SessionPool, WorkerDied } from '../session/pool.ts'
import { OipFault } from '../oip/fault.ts'
import type { SpanContext } from '@meshwork/kit'
import type { BatchSpans } from './batch-spans.ts'
import { CallQueue, type Waiting } from './queue.ts'
import type { CallTimes, ModelStatistics } from './statistics.ts'

export interface Submission {
  readonly call: InferCall
  readonly group: string | undefined
  readonly rows: number
  readonly bytes: number
  readonly priority: number
  readonly timeoutMs: number
  /** The span of the request. */
  readonly trace?: SpanContext | undefined
}
export interface Submitted {
  readonly outputs: Promise<readonly Value[]>
  /** Nobody wants the answer any more. */
  readonly cancel: () => void
}
export interface BatcherOptions {
  readonly name: string
  readonly file: ModelFile
  readonly pool: Pick<SessionPool, 'offer'>
  readonly statistics: ModelStatistics
  readonly spans: Pick<BatchSpans, 'write'>
  /** 1 where nothing is merged. */
  readonly rowsMax: number
  readonly queueRowsMax: number
  readonly queueBytesMax: number
  /** Puts work off until what has arrived was read: requests of one turn of the event loop then make one batch. */
  readonly defer: (work: () => void) => void
  /** A problem for a failure that is not of one call. */
  readonly explain: (error: unknown) => unknown
}

interface Call extends Waiting {
  readonly call: InferCall
  readonly trace?: SpanContext | undefined
  readonly arrived: number
  readonly settle: (end: CallEnd) => boolean
  readonly isSettled: () => boolean
}
type CallEnd =
  | { readonly kind: 'answer'; readonly outputs: readonly Value[]; readonly times: CallTimes }
  | { readonly kind: 'failure'; readonly error: unknown; readonly reason: FailureReason }
/**
 * Why a batch has no more rows: nothing else waited when there was room for it, what came next did not fit (too many rows,
 * or other shapes or outputs), or the call cannot be merged at all.
 */
export const dispatchReasons = ['free', 'full', 'alone'] as const
export type DispatchReason = (typeof dispatchReasons)[number]
export const failureReasons = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'] as const
export type FailureReason = (typeof failureReasons)[number]

const retryAfterSeconds = 1
const quickSeconds = 0.0005
const smoothing = 0.2

export class Batcher {
  readonly #options: BatcherOptions
  readonly #queue = new CallQueue<Call>()
  #offered = 0
  #pending = 0
  #runSeconds = Infinity
  #idle: (() => void)[] = []

  constructor(options: BatcherOptions) {
    this.#options = options
  }

  /** Calls that are not settled. */
  get pending(): number {
    return this.#pending
  }
  get waitingRows(): number {
    return this.#queue.rows
  }

  submit(submission: Submission): Submitted {
    const { name, statistics, queueRowsMax, queueBytesMax } = this.#options
    const { rows, bytes } = submission
    if (
      this.#queue.length > 0 &&
      (this.#queue.rows + rows > queueRowsMax || this.#queue.bytes + bytes > queueBytesMax)
    ) {
      statistics.failed('REJECTED', 0)
      throw new OipFault(
        503,
        `Exceeds maximum queue size of model '${name}': ${this.#queue.rows} rows and ${this.#queue.bytes} bytes wait; try again`,
        retryAfterSeconds,
      )
    }
    const { promise, resolve, reject } = Promise.withResolvers<readonly Value[]>()
    const arrived = performance.now()
    let settled = false
    const settle = (end: CallEnd): boolean => {
      if (settled) return false
      settled = true
      clearTimeout(timer)
      if (end.kind === 'failure') this.#queue.remove(item) // an answered one has left it
      this.#pending--
      if (end.kind === 'answer') {
        statistics.answered(rows, end.times)
        resolve(end.outputs)
      } else {
        statistics.failed(end.reason, performance.now() - arrived)
        reject(end.error)
      }
      if (this.#pending === 0) for (const idle of this.#idle.splice(0)) idle()
      return true
    }
    const item: Call = { ...submission, arrived, settle, isSettled: () => settled }
    const timer = setTimeout(() => {
      const error = new OipFault(
        503,
        `Request timeout expired: model '${name}' did not answer in ${submission.timeoutMs} ms`,
        retryAfterSeconds,
      )
      settle({ kind: 'failure', error, reason: 'REJECTED' })
    }, submission.timeoutMs)
    this.#pending++
    this.#queue.add(item)
    this.#offer()
    return {
      outputs: promise,
      cancel: () => void settle({ kind: 'failure', error: new OipFault(499, 'the client left'), reason: 'CANCELED' }),
    }
  }

  /** Resolves when every call is settled. */
  async idle(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  /** One offer stands for what waits; a worker that takes it leaves the next one for the rest. */
  #offer(): void {
    if (this.#offered > 0 || this.#queue.length === 0) return
    this.#offered++
    const { pool, defer } = this.#options
    defer(() => pool.offer({ quick: this.#runSeconds < quickSeconds, take: () => this.#take() }))
  }

  #take(): OnlineBatch | undefined {
    this.#offered--
    const { rowsMax, statistics } = this.#options
    const calls = this.#queue.take(rowsMax)
    const [first] = calls
    if (first === undefined) return undefined
    const rows = calls.reduce((sum, call) => sum + call.rows, 0)
    const left = this.#queue.length > 0 ? 'full' : 'free'
    statistics.dispatched(first.group === undefined ? 'alone' : left, Math.min(1, rows / rowsMax))
    // The worker has this batch before the next offer is looked at.
    queueMicrotask(() => this.#offer())
    return this.#batch(calls)
  }

  #batch(calls: readonly Call[]): OnlineBatch {
    const taken = performance.now()
    const rows = calls.map(call => call.rows)
    const feeds = joined(
      calls.map(({ call }) => call),
      rows,
    )
    return {
      batch: { file: this.#options.file, feeds, outputs: calls[0]?.call.outputs ?? [], rows },
      resolve: answer => this.#answer(calls, answer, taken),
      reject: error => this.#failed(calls, error, taken),
    }
  }

  /** A call that ends the process of its model takes no other along: those that were merged with it go again, each alone. */
  #failed(calls: readonly Call[], error: unknown, taken: number): void {
    const { pool, spans, explain } = this.#options
    spans.write(calls, taken, undefined)
    if (error instanceof WorkerDied && calls.length > 1)
      for (const call of calls)
        pool.offer({ quick: false, take: () => (call.isSettled() ? undefined : this.#batch([call])) })
    else for (const { settle } of calls) settle({ kind: 'failure', error: explain(error), reason: 'OTHER' })
  }

  #answer(calls: readonly Call[], answer: InferAnswer, taken: number): void {
    const { statistics, name } = this.#options
    const { input, infer, output } = answer.seconds
    const run = input + infer + output
    this.#runSeconds = this.#runSeconds === Infinity ? run : this.#runSeconds + smoothing * (run - this.#runSeconds)
    const merged = answer.runs === 1
    const rows = calls.reduce((sum, call) => sum + call.rows, 0)
    if (merged) statistics.executed(rows, answer.seconds)
    else for (const call of calls) statistics.executed(call.rows, share(answer.seconds, calls.length))
    this.#options.spans.write(calls, taken, answer.seconds)
    const now = performance.now()
    const outputs =
      answer.merged &&
      apart(
        answer.merged,
        calls.map(call => call.rows),
      )
    calls.forEach((call, i) => {
      const own = outputs?.[i]
      const one: CallAnswer = own ? { kind: 'outputs', outputs: own } : (answer.calls?.[i] as CallAnswer)
      if (one.kind === 'fault') {
        const reason = one.fault.what === 'run' ? one.fault.reason : one.fault.what
        const error = new OipFault(400, `model '${name}' failed on this request: ${reason}`)
        call.settle({ kind: 'failure', error, reason: 'BACKEND' })
        return
      }
      const times = { total: (now - call.arrived) / 1000, queue: (taken - call.arrived) / 1000, ...answer.seconds }
      call.settle({ kind: 'answer', outputs: one.outputs, times })
    })
  }
}

const share = ({ input, infer, output }: InferAnswer['seconds'], parts: number) => ({
  input: input / parts,
  infer: infer / parts,
  output: output / parts,
})
