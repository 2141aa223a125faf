// What the rules would leave of the columns, and everything that is wrong with them.

import type { CleanInput, CleanRule, Column } from '@meshwork/contracts'
import { checkCondition, duckType, type PlanContext, type PlannedDatasets } from '@meshwork/kit'
import { clipLimits, constant } from './clean-rules.ts'
import { chosen, columnsAfter, placeOf } from './columns-of-rule.ts'

/** Rules that change which columns there are, or their types. */
const reshaping = new Set<CleanRule['rule']>(['cast', 'rename', 'drop'])

export async function plan({ dataset, rules }: CleanInput, context: PlanContext): Promise<PlannedDatasets> {
  if (!context.knows(rules) && !Array.isArray(rules)) return {}
  let now = context.dataset(dataset.columns, dataset)
  let lost = false
  for (const [index, rule] of rules.entries()) {
    if (context.knows(rule)) now = context.dataset(await afterRule(rule, index, now, context), now)
    else lost ||= !context.knows(rule.rule) || reshaping.has(rule.rule)
  }
  return lost ? {} : { '/dataset': now }
}

/** Faults of one rule; a rule that is wrong leaves the columns as far as that can be told. */
async function afterRule(
  rule: CleanRule,
  index: number,
  over: { columns: Column[] },
  context: PlanContext,
): Promise<readonly Column[]> {
  const at = `/rules/${index}`
  const where = placeOf(rule, index)
  const { columns } = over
  const missing = new Set<string>()
  for (const [key, name] of named(rule)) {
    const found = await context.at(`${at}/columns/${key}`, over, () => chosen(columns, [name], where))
    if (!found) missing.add(name)
  }
  const known = missing.size > 0 ? without(rule, missing) : rule
  // Of an open dataset a rule may drop every column that is listed: there are others.
  if (known.rule === 'drop' && context.isOpen(over)) return columns.filter(({ name }) => !known.columns.includes(name))
  const after = await context.at(at, over, () => columnsAfter(known, columns, where))
  if (!after) return columns
  await lookCloser(known, at, where, over, context)
  return after
}

async function lookCloser(
  rule: CleanRule,
  at: string,
  where: string,
  over: { columns: Column[] },
  context: PlanContext,
): Promise<void> {
  const { columns } = over
  if (rule.rule === 'filter')
    await context.at(`${at}/where`, over, () => checkCondition(context.tables, rule.where, where, columns))
  if (rule.rule === 'clip')
    for (const [i, column] of chosen(columns, rule.columns, where).entries())
      await context.at(`${at}/columns/${i}`, over, () => clipLimits(rule, column, where))
  if (rule.rule === 'fillNulls' && rule.with === 'constant')
    for (const column of chosen(columns, rule.columns, where))
      await context.at(`${at}/value`, over, () => constant(context.tables, rule.value, column, where))
  if (rule.rule === 'cast')
    for (const [name, type] of Object.entries(rule.columns)) {
      const [column] = chosen(columns, [name], where)
      const sql = `SELECT TRY_CAST(NULL::${duckType(column?.type ?? type)} AS ${duckType(type)}) AS value`
      await context.at(`${at}/columns/${name}`, over, () => context.tables.describe(sql))
    }
}

/** The columns that a rule names, and the key that each stands under. */
function named(rule: CleanRule): [key: string, name: string][] {
  if (!('columns' in rule) || rule.columns === undefined) return []
  if (Array.isArray(rule.columns)) return rule.columns.map((name, i) => [String(i), name])
  return Object.keys(rule.columns).map(name => [escape(name), name])
}

/** The same rule for the columns that are there. */
function without(rule: CleanRule, missing: ReadonlySet<string>): CleanRule {
  if (!('columns' in rule) || rule.columns === undefined) return rule
  const columns = Array.isArray(rule.columns)
    ? rule.columns.filter(name => !missing.has(name))
    : Object.fromEntries(Object.entries(rule.columns).filter(([name]) => !missing.has(name)))
  return { ...rule, columns } as CleanRule
}

const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
