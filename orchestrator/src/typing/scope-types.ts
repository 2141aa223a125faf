// The types of what expressions can name: `params`, `steps` and `run`. Pure.

import { ArtefactRef, DatasetRef, type Param, RunContext, type WorkflowDocument } from '@meshwork/contracts'
import { anything, expand, type Schema } from './schema.ts'

const paramSchemas: Readonly<Record<Param['type'], Schema>> = {
  string: { type: 'string' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  object: { type: 'object' },
  array: { type: 'array' },
  dataset: expand(DatasetRef as unknown as Schema),
  artefact: expand(ArtefactRef as unknown as Schema),
}

export const paramSchema = (param: Param): Schema => paramSchemas[param.type]

/** What a step with forEach gives. */
const listOf = (output: Schema): Schema => ({
  type: 'object',
  properties: { items: { type: 'array', items: output } },
  required: ['items'],
  additionalProperties: false,
})

/**
 * `outputs` gives the schema of a step's answer; undefined where the stage is not known. Parameters and steps that do
 * not exist are anything here: they are told once, by name, where the names are checked.
 */
export function scopeTypes(
  document: WorkflowDocument,
  outputs: (step: string) => Schema | undefined,
): ReadonlyMap<string, Schema> {
  const params = Object.entries(document.params ?? {}).map(([name, param]) => [name, paramSchema(param)] as const)
  const steps = Object.entries(document.steps).map(([name, { forEach }]) => {
    const output = outputs(name) ?? anything
    return [name, forEach === undefined ? output : listOf(output)] as const
  })
  return new Map([
    ['params', { type: 'object', properties: Object.fromEntries(params), required: params.map(([name]) => name) }],
    ['steps', { type: 'object', properties: Object.fromEntries(steps), required: steps.map(([name]) => name) }],
    ['run', expand(RunContext as unknown as Schema)],
  ])
}
