// The spans of a batch: one of its own trace, and one within each request whose rows it ran, linked to each other, since
// a batch belongs to many requests and to none of them alone.

import { childOf, newTrace, type SpanContext, type Traces } from '@meshwork/kit'
import type { InferAnswer } from '../session/messages.ts'

export interface TracedCall {
  readonly trace?: SpanContext | undefined
  readonly rows: number
  /** By the clock of performance.now(). */
  readonly arrived: number
  /** What was wrong with it, where it was not answered. */
  readonly error?: string | undefined
}

const linksMax = 128

export class BatchSpans {
  readonly #traces: Traces
  readonly #of: { readonly model: string; readonly version: string }

  constructor(traces: Traces, of: { readonly model: string; readonly version: string }) {
    this.#traces = traces
    this.#of = of
  }

  /** `taken`: when a worker took the batch, by the clock of performance.now(). */
  write(calls: readonly TracedCall[], taken: number, seconds: InferAnswer['seconds'] | undefined): void {
    if (!this.#traces.on) return
    const traced = calls.flatMap(({ trace, ...call }) => (trace?.sampled ? [{ ...call, trace }] : []))
    if (traced.length === 0) return
    const endMs = Date.now()
    const wall = (at: number) => endMs - (performance.now() - at)
    const { model, version } = this.#of
    const attributes = {
      'meshwork.model': model,
      'meshwork.model.version': version,
      'meshwork.batch.calls': calls.length,
      'meshwork.batch.rows': calls.reduce((sum, { rows }) => sum + rows, 0),
    }
    const batch = newTrace(true)
    const spans = traced.map(call => ({ call, context: childOf(call.trace) }))
    for (const { call, context } of spans)
      this.#traces.write({
        name: `infer ${model}`,
        kind: 'internal',
        context,
        parentId: call.trace.spanId,
        startMs: wall(call.arrived),
        endMs,
        attributes: {
          ...attributes,
          'meshwork.rows': call.rows,
          'meshwork.queue.seconds': (taken - call.arrived) / 1000,
        },
        error: call.error,
        links: [batch],
      })
    this.#traces.write({
      name: `batch ${model}`,
      kind: 'internal',
      context: batch,
      startMs: wall(taken),
      endMs,
      attributes: {
        ...attributes,
        'meshwork.input.seconds': seconds?.input,
        'meshwork.infer.seconds': seconds?.infer,
        'meshwork.output.seconds': seconds?.output,
      },
      error: seconds ? undefined : 'the batch was not run',
      links: spans.slice(0, linksMax).map(({ context }) => context),
    })
  }
}
