// Everything that is wrong with a judgement, before there is anything to judge. It makes no dataset.

import { type DatasetRef, type EvaluateInput } from '@meshwork/contracts'
import { checkCondition, type CheckedExpression, type PlanContext, type PlannedDatasets } from '@meshwork/kit'
import { checkGates } from './gates.ts'
import { scoreColumns } from './many-class.ts'
import { type Kind, kindOf, metricsOfKind } from './task.ts'
import { checkSliceNames, positiveOf, requireNumber, requirePrediction, sliceTerm } from './terms.ts'

export async function plan(input: EvaluateInput, context: PlanContext): Promise<PlannedDatasets> {
  const { dataset, slices = [] } = input
  const { columns } = dataset
  const bind = async (key: 'target' | 'prediction' | 'score') => await bound(input[key], key, dataset, context)
  const target = await bind('target')
  const prediction = await bind('prediction')
  const score = await bind('score')
  const { where } = input
  if (where !== undefined && context.knows(where))
    await context.at('/where', dataset, () => checkCondition(context.tables, where, 'where', columns))
  for (const [i, slice] of slices.entries())
    if (context.knows(slice)) await context.at(`/slices/${i}`, dataset, () => sliceTerm(context.tables, slice, columns))
  if (context.knows(slices))
    await context.at('/slices', undefined, () =>
      checkSliceNames(slices.map(slice => (typeof slice === 'string' ? slice : slice.as))),
    )
  if (!target || !context.knows([input.task, input.scores, input.positive])) return {}
  const kind = await context.at('', undefined, () => kindOf(input, target.type))
  if (kind === undefined) return {}
  await context.at('', undefined, () => requirePrediction(kind, input))
  await checkTerms(kind, input, { target, prediction, score }, context)
  for (const [i, gate] of (input.gates ?? []).entries())
    if (context.knows(gate))
      await context.at(`/gates/${i}`, undefined, () => checkGates([gate], metricsOfKind(kind, input)))
  return {}
}

async function bound(
  source: string | undefined,
  key: string,
  over: DatasetRef,
  context: PlanContext,
): Promise<CheckedExpression | undefined> {
  if (source === undefined || !context.knows(source)) return undefined
  return await context.at(`/${key}`, over, () => context.tables.expression(source, key, over.columns))
}

async function checkTerms(
  kind: Kind,
  input: EvaluateInput,
  terms: { target: CheckedExpression; prediction: CheckedExpression | undefined; score: CheckedExpression | undefined },
  context: PlanContext,
): Promise<void> {
  const { target, prediction, score } = terms
  const at = async (pointer: string, work: () => unknown) => void (await context.at(pointer, input.dataset, work))
  switch (kind) {
    case 'regression':
      await at('/target', () => requireNumber('target', target))
      if (prediction) await at('/prediction', () => requireNumber('prediction', prediction))
      return
    case 'two-classes':
      await at('/target', () => positiveOf('target', target, input.positive))
      if (prediction) await at('/prediction', () => positiveOf('prediction', prediction, input.positive))
      if (score) await at('/score', () => requireNumber('score', score))
      return
    case 'many-classes':
      for (const [label, name] of Object.entries(input.scores ?? {}))
        await at(`/scores/${label.replaceAll('~', '~0').replaceAll('/', '~1')}`, () =>
          scoreColumns({ [label]: name }, input.dataset.columns),
        )
  }
}
