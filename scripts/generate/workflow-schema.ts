// JSON Schema of workflow files, for editors: the document, and for each stage of the repository what its step takes.
// Any value may also be an expression, so every schema has that alternative.

import {
  AggregateInput,
  CleanInput,
  EvaluateInput,
  FeaturesInput,
  FeaturesInputV2,
  InferenceInput,
  IngestInput,
  PostprocessInput,
  ReportInput,
  WorkflowDocument,
} from '@meshwork/contracts'

type Schema = { readonly [keyword: string]: unknown }

const inputs: Readonly<Record<string, object>> = {
  'ingest@1': IngestInput,
  'clean@1': CleanInput,
  'features@1': FeaturesInput,
  'features@2': FeaturesInputV2,
  'inference@1': InferenceInput,
  'postprocess@1': PostprocessInput,
  'aggregate@1': AggregateInput,
  'evaluate@1': EvaluateInput,
  'report@1': ReportInput,
}
const expression: Schema = { type: 'string', pattern: '\\$\\{', description: 'An expression: ${steps.clean.dataset}' }

export function workflowSchema(): object {
  const document = structuredClone(WorkflowDocument) as unknown as {
    properties: { steps: { additionalProperties: Schema } }
  }
  const step = document.properties.steps.additionalProperties
  const named = Object.keys(inputs)
  document.properties.steps.additionalProperties = {
    ...step,
    properties: {
      ...(step['properties'] as object),
      stage: { anyOf: [{ enum: named }, (step['properties'] as Record<string, Schema>)['stage']] },
    },
    allOf: named.map(name => ({
      if: { properties: { stage: { const: name } }, required: ['stage'] },
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      then: { properties: { with: { $ref: `#/definitions/${name}` } } },
    })),
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...document,
    title: 'Meshwork workflow',
    description: 'A workflow of Meshwork. Steps run in the order of their references.',
    definitions: Object.fromEntries(named.map(name => [name, withExpressions(inputs[name] as Schema, true)])),
  }
}

/** The whole input is written out; what stands in it may be an expression. */
function withExpressions(schema: Schema, whole = false): Schema {
  const inner = (part: unknown): unknown =>
    part !== null && typeof part === 'object' ? withExpressions(part as Schema) : part
  const each = (parts: unknown) =>
    Object.fromEntries(Object.entries(parts as Record<string, Schema>).map(([key, part]) => [key, inner(part)]))
  const mapped: Schema = {
    ...schema,
    ...(schema['properties'] !== undefined && { properties: each(schema['properties']) }),
    ...(schema['items'] !== undefined && { items: inner(schema['items']) }),
    ...(typeof schema['additionalProperties'] === 'object' && {
      additionalProperties: inner(schema['additionalProperties']),
    }),
    ...(Array.isArray(schema['anyOf']) && { anyOf: schema['anyOf'].map(part => shape(part as Schema)) }),
  }
  if (whole || isFree(schema)) return mapped
  const { description, title, default: standard, examples, ...rest } = mapped
  const notes = { description, title, default: standard, examples }
  const kept = Object.fromEntries(Object.entries(notes).filter(([, value]) => value !== undefined))
  return { ...kept, anyOf: [rest, expression] }
}

/** A branch of a union: the union itself may be an expression already, so the branch need not be. */
const shape = (schema: Schema): Schema => withExpressions(schema, true)

/** What takes any text takes an expression. */
const isFree = ({ type, pattern, enum: values, const: value, maxLength, anyOf }: Schema): boolean =>
  (type === undefined && anyOf === undefined && values === undefined && value === undefined) ||
  value !== undefined ||
  (type === 'string' &&
    pattern === undefined &&
    values === undefined &&
    (maxLength === undefined || Number(maxLength) > 1000))
