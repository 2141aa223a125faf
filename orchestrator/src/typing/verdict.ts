// Is what an expression gives acceptable where it stands? Pure.

import { closest, compile, type JsonValue, subtype } from '@meshwork/contracts'
import { relax } from './relax.ts'
import { alternatives, expand, isDyn, kindsOf, type Schema, show } from './schema.ts'

/** What is known of an expression before it runs. */
export type Known =
  /** A reference to an output of a step, copied as it is: its schema is exact. */
  | { readonly kind: 'reference'; readonly schema: Schema }
  /** Computed from outputs of steps: the schema is wider than the truth. */
  | { readonly kind: 'computed'; readonly schema: Schema }
  /** Of parameters alone: checked by value when a run starts. `value` is there when the defaults are enough. */
  | { readonly kind: 'params'; readonly schema: Schema; readonly value: JsonValue | undefined }

export type Fit =
  | { readonly kind: 'fits' }
  | { readonly kind: 'never'; readonly code: string; readonly reason: string }
  | { readonly kind: 'unproven'; readonly reason: string }

const fits: Fit = { kind: 'fits' }

export function fitOf(known: Known, consumer: Schema, root: Schema): Fit {
  const strange = alternatives(known.schema).find(({ kind }) =>
    ['timestamp', 'duration', 'bytes', 'uint', 'optional'].includes(kind),
  )
  if (strange) {
    const way =
      strange.kind === 'optional' ? 'end it with .orValue(…)' : 'make it a text or a number: string(…), int(…)'
    return {
      kind: 'never',
      code: 'not-json',
      reason: `it gives ${strange.kind === 'optional' ? 'an optional value' : `a ${strange.kind}`}, which JSON cannot hold; ${way}`,
    }
  }
  if (known.kind === 'params') return fitOfParams(known, consumer, root)
  const verdict = subtype(known.schema, consumer, { consumerRoot: root, closedProducer: true })
  if (verdict.kind === 'yes') return fits
  if (isDyn(known.schema)) return { kind: 'unproven', reason: 'nothing is known of it before the run' }
  const example = 'witness' in verdict && verdict.witness !== undefined ? shown(verdict.witness) : ''
  const reason = `${verdict.path ? `${verdict.path.slice(1)}: ` : ''}${verdict.reason}${example && example.length < 60 ? `, for example ${example}` : ''}`
  if (verdict.kind === 'unknown') return { kind: 'unproven', reason }
  if (known.kind === 'reference') return { kind: 'never', code: 'edge-mismatch', reason }
  const roughly = subtype(known.schema, relax(consumer, root), { closedProducer: true })
  return roughly.kind === 'no' ? { kind: 'never', code: 'edge-mismatch', reason } : { kind: 'unproven', reason }
}

/** A value is judged as a value; without one only what can never fit is told, the rest when a run starts. */
function fitOfParams(known: Known & { kind: 'params' }, consumer: Schema, root: Schema): Fit {
  const wanted = kindsOf(expand(anchored(consumer, root)))
  const given = kindsOf(known.schema)
  const possible =
    wanted.has('dyn') ||
    [...given].some(kind => kind === 'dyn' || wanted.has(kind) || (kind === 'int' && wanted.has('double')))
  if (!possible)
    return {
      kind: 'never',
      code: 'edge-mismatch',
      reason: `${show(known.schema)} is not ${show(expand(anchored(consumer, root)))}`,
    }
  if (known.value !== undefined) {
    const [first] = compile(anchored(consumer, root)).check(known.value)
    if (!first) return fits
    const where = first.pointer ? `${first.pointer} ` : ''
    return { kind: 'never', code: 'param-value', reason: `its value ${shown(known.value)} ${where}${first.detail}` }
  }
  if (!known.schema.properties) return fits // a plain text, number, list or map: its value is checked at the start
  const verdict = subtype(known.schema, consumer, { consumerRoot: root, closedProducer: true })
  return verdict.kind === 'no' ? { kind: 'never', code: 'edge-mismatch', reason: verdict.reason } : fits
}

/** A text with expressions in it: of unknown content, and perhaps of known length. */
export function fitOfText(text: Schema, consumer: Schema, root: Schema): Fit {
  const exact = subtype(text, consumer, { consumerRoot: root })
  if (exact.kind === 'yes') return fits
  const roughly = subtype(text, relax(consumer, root))
  if (roughly.kind === 'no') return { kind: 'never', code: 'edge-mismatch', reason: roughly.reason }
  return { kind: 'unproven', reason: exact.reason }
}

/** Where references of a schema lead to; an OpenAPI document keeps its schemas among the components. */
const definitionKeys = ['$defs', 'definitions', 'components']
const anchoredOf = new WeakMap<object, Schema>()

/** A part of a schema that can stand alone: with the definitions it may refer to. */
export function anchored(schema: Schema, root: Schema): Schema {
  if (schema === root || !definitionKeys.some(key => root[key] !== undefined)) return schema
  const known = anchoredOf.get(schema)
  if (known) return known
  const whole = {
    ...schema,
    ...Object.fromEntries(definitionKeys.flatMap(key => (root[key] === undefined ? [] : [[key, root[key]]]))),
  }
  anchoredOf.set(schema, whole)
  return whole
}

export const suggestionOf = (name: string, known: readonly string[]): string => {
  const near = closest(name, known)
  return near === undefined ? (known.length > 0 ? `; known are: ${known.join(', ')}` : '') : `; did you mean "${near}"?`
}

function shown(value: JsonValue): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
