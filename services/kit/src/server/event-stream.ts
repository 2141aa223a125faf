// The answer of a stage as server-sent events: progress, and one result or problem. It opens with its first event, or
// when the caller should see that work goes on: a refusal before that can still be a plain problem with its status.

import type { Problem, Progress, StageResult } from '@meshwork/contracts'
import type { FastifyReply } from 'fastify'

const openAfterMs = 250
const heartbeatMs = 10_000
const progressEveryMs = 100

export class EventStream {
  readonly #reply: FastifyReply
  readonly #headers: Record<string, string>
  readonly #opening: NodeJS.Timeout
  #heartbeat: NodeJS.Timeout | undefined
  #sentAt = 0
  #pending: Progress | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(reply: FastifyReply, headers: Record<string, string>) {
    this.#reply = reply
    this.#headers = headers
    this.#opening = setTimeout(() => this.#open(), openAfterMs)
  }

  /** Whether no event was sent yet, and none is on its way. */
  get silent(): boolean {
    return this.#heartbeat === undefined && this.#pending === undefined
  }

  /** Gives the reply back to be answered otherwise; false when events have begun. */
  giveUp(): boolean {
    if (this.#heartbeat !== undefined) return false
    clearTimeout(this.#opening)
    clearTimeout(this.#timer)
    this.#pending = undefined
    return true
  }

  /** At most one progress event in 100 ms; of those in between the last one is sent. */
  progress(progress: Progress): void {
    this.#pending = progress
    if (this.#timer !== undefined) return
    const wait = Math.max(0, this.#sentAt + progressEveryMs - performance.now())
    this.#timer = setTimeout(() => this.#onTimer(), wait)
  }

  result(result: StageResult): void {
    this.#finish('result', result)
  }

  problem(problem: Problem): void {
    this.#finish('problem', problem)
  }

  #open(): void {
    if (this.#heartbeat !== undefined) return
    clearTimeout(this.#opening)
    this.#reply.hijack()
    this.#heartbeat = setInterval(() => this.#write(': alive\n\n'), heartbeatMs)
    if (this.#reply.raw.destroyed) return
    this.#reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      ...this.#headers,
    })
    this.#write(': working\n\n')
  }

  #onTimer(): void {
    this.#timer = undefined
    // A caller that does not read gets no more progress until it does; the last one comes before the result.
    if (!this.#reply.raw.writableNeedDrain) this.#flush()
  }

  #flush(): void {
    if (this.#pending === undefined) return
    const progress = this.#pending
    this.#pending = undefined
    this.#sentAt = performance.now()
    this.#event('progress', progress)
  }

  #finish(event: 'result' | 'problem', data: unknown): void {
    clearTimeout(this.#timer)
    this.#flush()
    this.#event(event, data)
    clearInterval(this.#heartbeat)
    this.#reply.raw.end()
  }

  #event(event: string, data: unknown): void {
    this.#open()
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  #write(text: string): void {
    if (!this.#reply.raw.destroyed) this.#reply.raw.write(text)
  }
}
