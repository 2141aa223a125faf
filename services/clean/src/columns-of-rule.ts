// What a rule needs of the columns and what columns it leaves. Pure: no data is read.

import { type CleanRule, type Column, type ColumnType, MeshError } from '@meshwork/contracts'
import { columnMissing, isNumeric } from '@meshwork/kit'

export const placeOf = (rule: CleanRule, index: number): string => `Rule ${index + 1} "${rule.rule}"`

export const ruleInvalid = (where: string, reason: string): MeshError =>
  new MeshError('MESHWORK_CLEAN_RULE_INVALID', { where, reason })

/** Named columns, in the order given (all columns without a list). */
export function chosen(columns: readonly Column[], names: readonly string[] | undefined, where: string): Column[] {
  if (names === undefined) return [...columns]
  return names.map(name => {
    const column = columns.find(candidate => candidate.name === name)
    if (!column) throw columnMissing(where, name, columns)
    return column
  })
}

/** Checks what can be known of a rule without data, and answers the columns after it. */
// oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive
export function columnsAfter(rule: CleanRule, columns: readonly Column[], where: string): readonly Column[] {
  switch (rule.rule) {
    case 'filter':
      return columns
    case 'dropNulls':
    case 'deduplicate':
      chosen(columns, rule.columns, where)
      return columns
    case 'trim':
      ofType(chosen(columns, rule.columns ?? [], where), where, type => type === 'string', 'string')
      return columns
    case 'fillNulls':
      if (rule.with === 'constant' && rule.value === undefined)
        throw ruleInvalid(where, 'with "constant" it needs a "value"')
      if (rule.with !== 'constant' && rule.value !== undefined)
        throw ruleInvalid(where, `"value" is for "constant" only, not for "${rule.with}"`)
      numeric(chosen(columns, rule.columns, where), where, rule.with === 'mean' || rule.with === 'median')
      return columns
    case 'clip':
      if (rule.min === undefined && rule.max === undefined) throw ruleInvalid(where, 'it needs "min" or "max"')
      if (rule.min !== undefined && rule.max !== undefined && rule.min > rule.max)
        throw ruleInvalid(where, `"min" ${rule.min} is above "max" ${rule.max}`)
      numeric(chosen(columns, rule.columns, where), where, true)
      return columns
    case 'winsorise':
      if (rule.lower > rule.upper) throw ruleInvalid(where, `"lower" ${rule.lower} is above "upper" ${rule.upper}`)
      numeric(chosen(columns, rule.columns, where), where, true)
      return columns
    case 'outliers':
      numeric(chosen(columns, rule.columns, where), where, true)
      return columns
    case 'cast': {
      chosen(columns, Object.keys(rule.columns), where)
      const types = new Map(Object.entries(rule.columns))
      return columns.map(({ name, type }) => ({ name, type: types.get(name) ?? type }))
    }
    case 'drop': {
      chosen(columns, rule.columns, where)
      const left = columns.filter(({ name }) => !rule.columns.includes(name))
      if (left.length === 0) throw ruleInvalid(where, 'it would leave no column')
      return left
    }
    case 'rename': {
      chosen(columns, Object.keys(rule.columns), where)
      const names = new Map(Object.entries(rule.columns))
      const renamed = columns.map(({ name, type }) => ({ name: names.get(name) ?? name, type }))
      const seen = new Set<string>()
      for (const { name } of renamed) {
        if (seen.has(name.toLowerCase())) throw new MeshError('MESHWORK_COLUMN_EXISTS', { where, column: name })
        seen.add(name.toLowerCase())
      }
      return renamed
    }
  }
}

function numeric(columns: readonly Column[], where: string, needed: boolean): void {
  if (needed) ofType(columns, where, isNumeric, 'a number')
}

function ofType(
  columns: readonly Column[],
  where: string,
  fits: (type: ColumnType) => boolean,
  expected: string,
): void {
  for (const { name, type } of columns)
    if (!fits(type)) throw new MeshError('MESHWORK_COLUMN_TYPE', { where, column: name, expected, actual: type })
}
