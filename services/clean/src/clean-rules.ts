// Runs the rules in order: makes the layer of each, and looks at the data first where a rule asks for it.

import { type CleanRule, type Column, type ColumnType, MeshError } from '@meshwork/contracts'
import { checkCondition, duckType, isInteger, literal, type Tables } from '@meshwork/kit'
import { chosen, columnsAfter, placeOf, ruleInvalid } from './columns-of-rule.ts'
import { findDuplicates } from './duplicates.ts'
import type { Layer } from './layer.ts'
import { type Limits, limitsOf } from './number-range.ts'
import {
  castLayer,
  dropLayer,
  dropNullsLayer,
  fillLayer,
  filterLayer,
  limitLayer,
  maskLayer,
  renameLayer,
  trimLayer,
} from './rule-layer.ts'
import { meanAndSpread, mode, quantiles } from './statistic.ts'
import type { TableState } from './table-state.ts'

type RuleOf<K extends CleanRule['rule']> = Extract<CleanRule, { rule: K }>
export type Passed = (rows: number, message: string) => void

export async function applyRule(state: TableState, rule: CleanRule, index: number, passed: Passed): Promise<void> {
  const where = placeOf(rule, index)
  const before = state.columns
  const after = columnsAfter(rule, before, where)
  if (rule.rule === 'deduplicate') return await deduplicate(state, rule, index, passed)
  await state.apply(rule, index, await layerFor(state, rule, where, before, after))
}

// oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive
async function layerFor(
  state: TableState,
  rule: Exclude<CleanRule, { rule: 'deduplicate' }>,
  where: string,
  before: readonly Column[],
  after: readonly Column[],
): Promise<Layer | undefined> {
  switch (rule.rule) {
    case 'dropNulls':
      return dropNullsLayer(before, chosen(before, rule.columns, where))
    case 'filter':
      return filterLayer(before, await checkCondition(state.tables, rule.where, where, before), where)
    case 'cast':
      return before.every(({ type }, i) => type === after[i]?.type)
        ? undefined
        : castLayer(before, after, rule.onError ?? 'fail')
    case 'trim': {
      const strings = chosen(before, rule.columns, where).filter(({ type }) => type === 'string')
      return strings.length === 0 ? undefined : trimLayer(before, strings, rule.emptyToNull ?? false)
    }
    case 'clip': {
      const limits = chosen(before, rule.columns, where).map(column => [column.name, clipLimits(rule, column, where)])
      return limitLayer(before, new Map(limits as [string, Limits][]), 'clip')
    }
    case 'rename':
      return renameLayer(before, after)
    case 'drop':
      return dropLayer(after)
    case 'fillNulls':
      return await fillNulls(state, rule, where)
    case 'winsorise':
    case 'outliers':
      return await outside(state, rule, where)
  }
}

export function clipLimits(rule: RuleOf<'clip'>, { name, type }: Column, where: string): Limits {
  const limits = limitsOf(type, rule.min, rule.max)
  if (limits) return limits
  throw ruleInvalid(where, `no ${type} of column "${name}" lies between ${rule.min ?? '-∞'} and ${rule.max ?? '∞'}`)
}

async function deduplicate(state: TableState, rule: RuleOf<'deduplicate'>, index: number, passed: Passed) {
  const key = chosen(state.columns, rule.columns, placeOf(rule, index))
  if (!state.countsItself) await state.count()
  const search = { key, keep: rule.keep ?? 'first', name: `rule${index}`, passed } as const
  const found = state.baseRows === 0 ? undefined : await findDuplicates(state, search)
  if (found === undefined) return await state.apply(rule, index, undefined)
  const left = state.left.map((rows, part) => rows - (found.removed[part] ?? 0))
  await state.apply(rule, index, maskLayer(state.columns, found.mask), left)
}

async function fillNulls(state: TableState, rule: RuleOf<'fillNulls'>, where: string): Promise<Layer | undefined> {
  const columns = chosen(state.columns, rule.columns, where)
  const fills = new Map<string, string>()
  if (rule.with === 'constant') {
    for (const column of columns) fills.set(column.name, await constant(state.tables, rule.value, column, where))
    return fillLayer(state.columns, fills)
  }
  await state.count()
  const values = await perColumn(state, columns, rule.with === 'mean', async (column, rows, lane) => {
    if (rule.with === 'mode') return await mode(state.tables, rows, column, lane)
    const value =
      rule.with === 'mean'
        ? (await meanAndSpread(state.tables, rows, column, lane)).mean
        : ((await quantiles(state.tables, rows, column, [0.5], lane))[0] ?? null)
    return value === null ? null : literal(isInteger(column.type) ? Math.round(value) : value)
  })
  for (const [i, column] of columns.entries()) {
    const value = values[i]
    if (value !== null && value !== undefined) fills.set(column.name, value)
    else if (state.rows > 0)
      throw new MeshError('MESHWORK_CLEAN_NO_VALUES', { where, column: column.name, statistic: rule.with })
  }
  return fills.size === 0 ? undefined : fillLayer(state.columns, fills)
}

/** SQL of a constant for a column, or the error that says why it does not fit. */
export async function constant(
  tables: Pick<Tables, 'query'>,
  value: unknown,
  column: Column,
  where: string,
): Promise<string> {
  const { name, type } = column
  if (fits(value, type)) {
    const sql = `TRY_CAST(${literal(value as string | number | boolean)} AS ${duckType(type)})`
    const [row] = await tables.query(`SELECT ${sql} IS NOT NULL AS holds`)
    if (row?.['holds'] === true) return sql
  }
  throw new MeshError('MESHWORK_CLEAN_FILL_VALUE', { where, value: JSON.stringify(value), type, column: name })
}

function fits(value: unknown, type: ColumnType): boolean {
  if (type === 'boolean') return typeof value === 'boolean'
  if (isInteger(type)) return Number.isInteger(value)
  if (type.startsWith('float')) return typeof value === 'number'
  return typeof value === 'string'
}

async function outside(state: TableState, rule: RuleOf<'winsorise' | 'outliers'>, where: string) {
  const columns = chosen(state.columns, rule.columns, where)
  await state.count()
  const zscore = rule.rule === 'outliers' && rule.method === 'zscore'
  const ranges = await perColumn(state, columns, zscore, async (column, rows, lane) => {
    if (rule.rule === 'winsorise') return await quantiles(state.tables, rows, column, [rule.lower, rule.upper], lane)
    if (zscore) {
      const { mean, spread } = await meanAndSpread(state.tables, rows, column, lane)
      return around(mean, mean, spread, rule.factor ?? 3)
    }
    const [low, high] = await quantiles(state.tables, rows, column, [0.25, 0.75], lane)
    return around(low, high, low == null || high == null ? null : high - low, rule.factor ?? 1.5)
  })
  const limits = new Map<string, Limits>()
  columns.forEach(({ name, type }, i) => {
    const [min, max] = ranges[i] ?? []
    // A column without values has nothing outside; neither has one whose limits no number can express.
    const found = min == null || max == null || min > max ? undefined : limitsOf(type, min, max)
    if (found) limits.set(name, found)
  })
  if (limits.size === 0) return undefined
  return limitLayer(state.columns, limits, rule.rule === 'winsorise' ? 'clip' : (rule.action ?? 'drop'))
}

function around(low: number | null | undefined, high: number | null | undefined, width: number | null, factor: number) {
  if (low == null || high == null || width === null) return [null, null]
  const range = [low - factor * width, high + factor * width]
  return range.every(Number.isFinite) ? range : [null, null]
}

/** A statistic of each column. Quantiles hold the whole column in memory, so they run one after the other. */
async function perColumn<T>(
  state: TableState,
  columns: readonly Column[],
  sideBySide: boolean,
  work: (column: Column, rows: string, lane: number) => Promise<T>,
): Promise<T[]> {
  const one = (column: Column, lane: number) => work(column, state.from([column.name]), lane)
  if (sideBySide) return await state.tables.session.each(columns, one)
  const results: T[] = []
  for (const column of columns) results.push(await one(column, 0))
  return results
}
