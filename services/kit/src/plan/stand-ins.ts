// The body of a plan as the stage sees it: what is not known yet is replaced by values of the right shape, and it is
// kept which those are. Pure.

import type { ArtefactRef, Column, DatasetRef, ProblemItem, UnknownValue } from '@meshwork/contracts'

export interface StandIns {
  readonly input: unknown
  /** The same with shapes that any contract accepts: a dataset has at least one column. */
  readonly checked: unknown
  /** Places of values that are not known. */
  readonly unknown: readonly string[]
  /** Datasets that may have more columns than those listed. */
  readonly open: Set<object>
  /** References to what does not exist yet. */
  readonly unmade: ReadonlySet<object>
}

const noHash = '0'.repeat(64)
const someColumn: Column = { name: 'column', type: 'string' }

export function standIns(body: unknown): StandIns {
  const unknown: string[] = []
  const open = new Set<object>()
  const unmade = new Set<object>()
  const look = (value: unknown, pointer: string): readonly [input: unknown, checked: unknown] => {
    if (value === null || typeof value !== 'object') return [value, value]
    if (Array.isArray(value)) {
      const items = value.map((item, i) => look(item, `${pointer}/${i}`))
      return [items.map(([input]) => input), items.map(([, checked]) => checked)]
    }
    if (isUnknown(value)) {
      unknown.push(pointer)
      return [value, value]
    }
    const planned = dataset(value) ?? artefact(value)
    if (planned) {
      unmade.add(planned)
      if ('open' in value && value.open === true) open.add(planned)
      const empty = planned.kind === 'dataset' && planned.columns.length === 0
      return [planned, empty ? { ...planned, columns: [someColumn] } : planned]
    }
    const entries = Object.entries(value).map(
      ([key, inner]) => [key, look(inner, `${pointer}/${escape(key)}`)] as const,
    )
    return [
      Object.fromEntries(entries.map(([key, [input]]) => [key, input])),
      Object.fromEntries(entries.map(([key, [, checked]]) => [key, checked])),
    ]
  }
  const [input, checked] = look(body, '')
  return { input, checked, unknown, open, unmade }
}

export function isUnknown(value: unknown): value is UnknownValue {
  return hasKind(value, 'unknown') && Object.keys(value).length === 1
}

/** Faults that are not those of a value that is not known yet, or of what such a value stands in. */
export function ownFaults(faults: readonly ProblemItem[], unknown: readonly string[]): ProblemItem[] {
  return faults.filter(({ pointer }) => !unknown.some(place => within(place, pointer) || within(pointer, place)))
}

const within = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`)

function dataset(value: object): DatasetRef | undefined {
  if (!hasKind(value, 'dataset') || 'hash' in value || !('columns' in value) || !Array.isArray(value.columns))
    return undefined
  const columns = value.columns as Column[]
  return { kind: 'dataset', hash: noHash, rows: 0, bytes: 0, parts: 0, columns }
}

function artefact(value: object): ArtefactRef | undefined {
  if (!hasKind(value, 'artefact') || Object.keys(value).length !== 1) return undefined
  return { kind: 'artefact', hash: noHash, bytes: 0, mediaType: 'application/octet-stream' }
}

const hasKind = (value: unknown, kind: string): value is { kind: string } =>
  value !== null && typeof value === 'object' && 'kind' in value && value.kind === kind

const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
