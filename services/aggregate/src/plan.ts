// The columns of the result, and everything that is wrong with the request.

import type { AggregateInput } from '@meshwork/contracts'
import { checkCondition, columnsOfSelect, emptySource, type PlanContext, type PlannedDatasets } from '@meshwork/kit'
import { grouping, selection } from './grouping.ts'
import { keyTerm } from './keys.ts'
import { measureTerm } from './measures.ts'

export async function plan(input: AggregateInput, context: PlanContext): Promise<PlannedDatasets> {
  const { dataset, groupBy = [], measures, where, having, orderBy } = input
  const { tables } = context
  const { columns } = dataset
  let sound = true
  const look = async (pointer: string, value: unknown, work: () => Promise<unknown>) => {
    sound = context.knows(value) && (await context.at(pointer, dataset, work)) !== undefined && sound
  }
  for (const [i, key] of groupBy.entries())
    await look(`/groupBy/${i}`, key, async () => await keyTerm(tables, key, columns))
  for (const [name, measure] of Object.entries(measures))
    await look(`/measures/${escape(name)}`, measure, async () => await measureTerm(tables, name, measure, columns))
  if (where !== undefined && context.knows(where))
    await context.at('/where', dataset, () => checkCondition(tables, where, 'where', columns))
  if (!sound || !context.knows([groupBy, measures])) return {}
  // Which rows there are changes no column.
  const groups = await context.at('/measures', dataset, () => grouping(tables, { groupBy, measures }, columns))
  if (!groups) return {}
  const select = groups.select(emptySource(columns).from(groups.reads))
  const result = columnsOfSelect(await tables.describe(select))
  if (having !== undefined && context.knows(having))
    await context.at('/having', undefined, () => selection(tables, { measures, having }, groups.keys, result))
  for (const [i, term] of (orderBy ?? []).entries())
    if (context.knows(term))
      await context.at(`/orderBy/${i}/column`, undefined, () =>
        selection(tables, { measures, orderBy: [term] }, groups.keys, result),
      )
  return { '/dataset': context.dataset(result) }
}

const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
