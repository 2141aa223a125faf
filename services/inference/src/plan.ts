// The columns that a model would add, from its own signature, and everything that does not fit it.

import { type Column, type DatasetRef, type InferenceInput, ProblemError } from '@meshwork/contracts'
import { columnMissing, type PlanContext, type PlannedDatasets } from '@meshwork/kit'
import type { Model, Models } from './model/models.ts'
import { tensorTypes } from './model/tensor-type.ts'
import { planInputs } from './table/inputs.ts'
import { planOutputs } from './table/outputs.ts'

export async function plan(input: InferenceInput, models: Models, context: PlanContext): Promise<PlannedDatasets> {
  const { dataset, model, version } = input
  if (!context.knows([model, version])) return { '/dataset': context.openDataset(dataset.columns) }
  try {
    return await models.use(model, version, async opened => await againstModel(opened, input, context))
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    context.fault(error.code === 'MESHWORK_INFERENCE_VERSION_UNKNOWN' ? '/version' : '/model', error)
    return { '/dataset': context.openDataset(dataset.columns) }
  }
}

async function againstModel(model: Model, input: InferenceInput, context: PlanContext): Promise<PlannedDatasets> {
  const { dataset } = input
  const at = { model: model.name, version: model.version }
  if (context.knows(input.inputs)) {
    // A column that is missing hides no fault of the others: it is taken to be of the right type.
    const columns = [...dataset.columns, ...missingColumns(model, input, dataset, context)]
    await context.at(input.inputs ? '/inputs' : '/dataset', dataset, () =>
      planInputs(model.signature, input, columns, at),
    )
  }
  if (!context.knows(input.outputs)) return { '/dataset': context.openDataset(dataset.columns) }
  const outputs = await context.at(input.outputs ? '/outputs' : '/model', undefined, () =>
    planOutputs(model.signature, input.outputs, dataset.columns, at),
  )
  if (!outputs) return { '/dataset': context.openDataset(dataset.columns) }
  const columns = [...dataset.columns, ...outputs.map(({ column }) => column)]
  return { '/dataset': context.dataset(columns, dataset) }
}

/** Tells every column that is not there, and answers them as the model would take them. */
function missingColumns(model: Model, input: InferenceInput, dataset: DatasetRef, context: PlanContext): Column[] {
  const missing: Column[] = []
  for (const { name, type, columns } of model.signature.inputs) {
    const asked = input.inputs?.[name]
    for (const [i, column] of (asked ?? columns ?? []).entries())
      if (!dataset.columns.some(candidate => candidate.name === column)) {
        missing.push({ name: column, type: tensorTypes[type].column })
        const pointer = asked ? `/inputs/${name.replaceAll('~', '~0').replaceAll('/', '~1')}/${i}` : '/dataset'
        context.fault(
          pointer,
          columnMissing(`Input "${name}" of model "${model.name}"`, column, dataset.columns),
          dataset,
        )
      }
  }
  return missing
}
