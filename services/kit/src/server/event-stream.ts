// The answer of a stage as server-sent events: progress, and one result or problem.

import type { Problem, Progress, StageResult } from '@meshwork/contracts'
import type { FastifyReply } from 'fastify'

const heartbeatMs = 10_000
const progressEveryMs = 100

export class EventStream {
  readonly #reply: FastifyReply
  readonly #heartbeat: NodeJS.Timeout
  #sentAt = 0
  #pending: Progress | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(reply: FastifyReply, headers: Record<string, string>) {
    this.#reply = reply
    reply.hijack()
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      ...headers,
    })
    reply.raw.write(': working\n\n')
    this.#heartbeat = setInterval(() => this.#write(': alive\n\n'), heartbeatMs)
  }

  /** At most one progress event in 100 ms; of those in between the last one is sent. */
  progress(progress: Progress): void {
    this.#pending = progress
    if (this.#timer !== undefined) return
    const wait = Math.max(0, this.#sentAt + progressEveryMs - performance.now())
    this.#timer = setTimeout(() => this.#flush(), wait)
  }

  result(result: StageResult): void {
    this.#finish('result', result)
  }

  problem(problem: Problem): void {
    this.#finish('problem', problem)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending === undefined) return
    const progress = this.#pending
    this.#pending = undefined
    this.#sentAt = performance.now()
    // A caller that does not read gets no more progress; the result still comes.
    if (!this.#reply.raw.writableNeedDrain) this.#event('progress', progress)
  }

  #finish(event: 'result' | 'problem', data: unknown): void {
    this.#flush()
    clearTimeout(this.#timer)
    clearInterval(this.#heartbeat)
    this.#event(event, data)
    this.#reply.raw.end()
  }

  #event(event: string, data: unknown): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  #write(text: string): void {
    if (!this.#reply.raw.destroyed) this.#reply.raw.write(text)
  }
}
