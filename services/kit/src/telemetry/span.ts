// Spans as data, written when they are over. Their ids are either random or made of what they are a span of: a span of a
// run that is begun by one process and ended by another has the same id in both.

import { hash, randomBytes } from 'node:crypto'

/** W3C Trace Context, https://www.w3.org/TR/trace-context/. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** Whether spans of the trace are sent. */
  readonly sampled: boolean
}

export type SpanKind = 'server' | 'client' | 'internal'

export interface Span {
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  /** Id of the span within which it happened; undefined for the first of its trace. */
  readonly parentId?: string | undefined
  /** Milliseconds since 1970. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>
  /** What went wrong; undefined where nothing did. */
  readonly error?: string | undefined
  /** Spans that have to do with it and are not around it. */
  readonly links?: readonly SpanContext[]
}

const format = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const none = /^0+$/
const sampledFlag = 1

/** What a traceparent header says; undefined where it is missing or not one. */
export function readTraceparent(text: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = format.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (none.test(traceId) || none.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & sampledFlag) === sampledFlag }
}

export const writeTraceparent = ({ traceId, spanId, sampled }: SpanContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`

/** The first span of a new trace. */
export const newTrace = (sampled: boolean, spanId = newSpanId()): SpanContext => ({
  traceId: randomBytes(16).toString('hex'),
  spanId,
  sampled,
})

/** A span of the same trace. */
export const childOf = (parent: SpanContext, spanId = newSpanId()): SpanContext => ({ ...parent, spanId })

/** The id of the span of what `key` names: the same in every process. */
export const spanIdOf = (key: string): string => hash('sha256', key).slice(0, 16)

const newSpanId = (): string => randomBytes(8).toString('hex')
