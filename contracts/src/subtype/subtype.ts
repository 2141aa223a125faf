// Is every value that a producer may give accepted by a consumer? JSON Schema subtyping that never says "yes" without
// a proof: what is not analysed is "unknown", with the reason.

import type { JsonValue } from '../schema.ts'
import { comparison } from './compare/compare.ts'
import type { Finding, Rule } from './compare/finding.ts'
import type { JsonSchema } from './schema.ts'
import { witnessOf } from './witness.ts'

export type { JsonSchema }
export type SubtypeRule = Rule

/**
 * `path` is a JSON pointer from the root; `*` in it is any item or any other key. A `witness` is a value that the
 * producer may give and the consumer refuses.
 */
export type Verdict =
  | { readonly kind: 'yes' }
  | {
      readonly kind: 'no'
      readonly path: string
      readonly reason: string
      readonly rule: Rule
      readonly witness?: JsonValue
    }
  | { readonly kind: 'unknown'; readonly path: string; readonly reason: string; readonly rule: Rule }

export interface SubtypeOptions {
  /** The producer's objects are cut to the properties they declare (where they declare any and do not say otherwise). */
  readonly closedProducer?: boolean
  /** Keys that a closed object of the consumer does not name are taken away before it sees them. */
  readonly stripExtra?: boolean
  /** A missing property is given the consumer's default before it is checked. */
  readonly defaults?: boolean
  /** The document in which references of the producer are resolved, when it is not the producer itself. */
  readonly producerRoot?: object
  readonly consumerRoot?: object
}

const findingsMax = 50

/** The first reason against it, a certain one before an uncertain one; "yes" when there is none. */
export function subtype(producer: JsonSchema, consumer: JsonSchema, options: SubtypeOptions = {}): Verdict {
  const findings = compared(producer, consumer, options)
  const first = findings.find(({ kind }) => kind === 'no') ?? findings[0]
  return first ? verdictOf(first, producer, consumer, options) : { kind: 'yes' }
}

/** Every reason against it, at most 50, one for each place and reason; none when it is proved. */
export function subtypeFindings(
  producer: JsonSchema,
  consumer: JsonSchema,
  options: SubtypeOptions = {},
): Exclude<Verdict, { kind: 'yes' }>[] {
  const distinct = new Map(
    compared(producer, consumer, options).map(finding => [`${finding.path.join('\n')}\n\n${finding.reason}`, finding]),
  )
  return [...distinct.values()].slice(0, findingsMax).map(finding => verdictOf(finding, producer, consumer, options))
}

const rootsOf = (producer: JsonSchema, consumer: JsonSchema, options: SubtypeOptions) => ({
  ...options,
  producerRoot: options.producerRoot ?? producer,
  consumerRoot: options.consumerRoot ?? consumer,
})

const compared = (producer: JsonSchema, consumer: JsonSchema, options: SubtypeOptions): readonly Finding[] =>
  comparison(rootsOf(producer, consumer, options)).pair(producer, consumer, 0)

function verdictOf(
  { kind, path, reason, rule }: Finding,
  producer: JsonSchema,
  consumer: JsonSchema,
  options: SubtypeOptions,
): Exclude<Verdict, { kind: 'yes' }> {
  const witness = witnessOf(producer, consumer, path, rootsOf(producer, consumer, options))
  const place = path.map(key => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  if (witness !== undefined) return { kind: 'no', path: place, reason, rule, witness }
  return { kind, path: place, reason, rule }
}
