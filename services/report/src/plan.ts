// Everything that is wrong with a report, before there is anything to tell. It makes no dataset.

import type { ReportInput, ReportSection } from '@meshwork/contracts'
import { checkCondition, type PlanContext, type PlannedDatasets } from '@meshwork/kit'
import { chartColumns } from './chart-columns.ts'
import { columnNamed, needsDataset, readDrift, readEvaluation } from './section.ts'

export async function plan({ sections }: ReportInput, context: PlanContext): Promise<PlannedDatasets> {
  if (!Array.isArray(sections)) return {}
  for (const [i, section] of sections.entries()) await planSection(section, `/sections/${i}`, context)
  return {}
}

async function planSection(section: ReportSection, at: string, context: PlanContext): Promise<void> {
  const { title, dataset, evaluation, drift, where, columns, orderBy, charts } = section
  if (drift && context.knows(drift) && context.exists(drift))
    await context.at(`${at}/drift`, undefined, () => readDrift(context.store, title, drift.hash))
  if (evaluation !== undefined && context.knows(evaluation) && context.exists(evaluation))
    await context.at(`${at}/evaluation`, undefined, () => readEvaluation(context.store, title, evaluation.hash))
  await context.at(at, undefined, () => needsDataset(section))
  if (dataset === undefined || !context.knows(dataset)) return
  const place = `Section "${title}"`
  if (where !== undefined && context.knows(where))
    await context.at(`${at}/where`, dataset, () =>
      checkCondition(context.tables, where, `${place}, where`, dataset.columns),
    )
  if (context.knows(columns))
    for (const [i, name] of (columns ?? []).entries())
      await context.at(`${at}/columns/${i}`, dataset, () => columnNamed(dataset.columns, name, `${place}, columns`))
  if (context.knows(orderBy))
    for (const [i, { column }] of (orderBy ?? []).entries())
      await context.at(`${at}/orderBy/${i}/column`, dataset, () =>
        columnNamed(dataset.columns, column, `${place}, orderBy`),
      )
  if (context.knows(charts))
    for (const [i, chart] of (charts ?? []).entries())
      await context.at(`${at}/charts/${i}`, dataset, () => chartColumns(chart, title, dataset.columns))
}
