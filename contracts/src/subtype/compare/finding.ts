import type { Treatment } from '../accepts.ts'
import type { JsonSchema } from '../schema.ts'
import type { Shape, Side } from '../shape.ts'

/** What a comparison looked at when it found something. */
export type Rule =
  | 'type'
  | 'value'
  | 'minimum'
  | 'maximum'
  | 'multiple'
  | 'length'
  | 'pattern'
  | 'format'
  | 'items'
  | 'required'
  | 'extra'
  | 'properties'
  | 'names'
  | 'default'
  | 'union'
  | 'opaque'
  | 'limit'

export interface Finding {
  readonly kind: 'no' | 'unknown'
  /** Keys from the schema where the comparison began; `*` is any item or any other key. */
  readonly path: readonly string[]
  readonly reason: string
  readonly rule: Rule
}

/** What a comparison needs to know, and how it goes deeper. */
export interface Comparison {
  readonly producer: Side
  readonly consumer: Side
  readonly treatment: Treatment
  readonly closedProducer: boolean
  /** The same without a treatment of values. */
  untreated(): Comparison
  /** None when every value of `a` is one of `b`. Paths begin at the pair. */
  pair(a: JsonSchema, b: JsonSchema, depth: number): readonly Finding[]
}

export const no = (rule: Rule, reason: string, ...path: string[]): Finding => ({ kind: 'no', path, reason, rule })
export const unknown = (rule: Rule, reason: string, ...path: string[]): Finding => ({
  kind: 'unknown',
  path,
  reason,
  rule,
})

export const below = (key: string, findings: readonly Finding[]): Finding[] =>
  findings.map(finding => ({ ...finding, path: [key, ...finding.path] }))

export const unsure = (finding: Finding): Finding => (finding.kind === 'no' ? { ...finding, kind: 'unknown' } : finding)

/** Values may be changed before they are checked, so that equal text proves nothing about them. */
export const isTreated = (comparison: Comparison, shape: Shape): boolean =>
  (shape.type === 'array' || shape.type === 'object') &&
  (comparison.treatment.stripExtra === true || comparison.treatment.defaults === true)
