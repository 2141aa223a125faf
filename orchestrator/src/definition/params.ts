// Parameters of a run against their declarations. Pure.

import {
  ArtefactRef,
  closest,
  compile,
  DatasetRef,
  type JsonValue,
  type Param,
  type ProblemItem,
  type WorkflowDocument,
} from '@meshwork/contracts'
import { isStorableJson } from '../store/storable.ts'

export type ParamsResult =
  | { readonly kind: 'right'; readonly params: Record<string, JsonValue> }
  | { readonly kind: 'wrong'; readonly items: readonly ProblemItem[] }

/** Fills in defaults, and tells every missing, unknown or wrong parameter. */
export function checkParams(
  declared: WorkflowDocument['params'],
  given: Readonly<Record<string, JsonValue>>,
  what: 'parameter' | 'input' = 'parameter',
): ParamsResult {
  const root = what === 'parameter' ? '/params' : '/inputs'
  const items: ProblemItem[] = []
  const params: Record<string, JsonValue> = {}
  const names = Object.keys(declared ?? {})
  for (const [name, param] of Object.entries(declared ?? {})) {
    const value = Object.hasOwn(given, name) ? given[name] : param.default
    if (value === undefined) {
      items.push({
        pointer: `${root}/${name}`,
        detail: `${what} "${name}" (${param.type}) is not given and has no default`,
      })
      continue
    }
    const fault = paramFault(param, value)
    if (fault === undefined) params[name] = value
    else items.push({ pointer: `${root}/${name}`, detail: `${what} "${name}" ${fault}` })
  }
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue
    const near = closest(name, names)
    const known = near === undefined ? `known are: ${names.join(', ') || 'none'}` : `did you mean "${near}"?`
    items.push({ pointer: `${root}/${name}`, detail: `${what} "${name}" is not declared; ${known}` })
  }
  return items.length > 0 ? { kind: 'wrong', items } : { kind: 'right', params }
}

/** What is wrong with a value for a parameter, or undefined. */
export function paramFault(param: Pick<Param, 'type'>, value: JsonValue): string | undefined {
  if (!isStorableJson(value)) return 'holds a text with U+0000 or half a surrogate pair, which is not stored'
  const not = (what: string) => `must be ${what}, not ${kindOf(value)}`
  switch (param.type) {
    case 'string':
      return typeof value === 'string' ? undefined : not('a text')
    case 'integer':
      return Number.isSafeInteger(value) ? undefined : not('a whole number')
    case 'number':
      return typeof value === 'number' ? undefined : not('a number')
    case 'boolean':
      return typeof value === 'boolean' ? undefined : not('true or false')
    case 'array':
      return Array.isArray(value) ? undefined : not('a list')
    case 'object':
      return value !== null && typeof value === 'object' && !Array.isArray(value) ? undefined : not('an object')
    case 'dataset':
      return referenceFault(compile(DatasetRef).check(value), 'dataset')
    case 'artefact':
      return referenceFault(compile(ArtefactRef).check(value), 'artefact')
  }
}

function referenceFault(faults: readonly ProblemItem[], what: string): string | undefined {
  const [first] = faults
  return (
    first &&
    `must be the reference of ${what === 'dataset' ? 'a dataset' : 'an artefact'}: ${first.pointer} ${first.detail}`
  )
}

const kindOf = (value: JsonValue): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : JSON.stringify(value).slice(0, 80)
