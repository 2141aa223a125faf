// The body of a step's call as far as it is known before the run: what stages are asked to plan. Pure.

import type { ArtefactPlan, DatasetPlan, JsonValue, UnknownValue } from '@meshwork/contracts'
import { evaluate, EvaluationError, type Expression } from '../definition/expression.ts'
import { fill, type Template } from '../definition/template.ts'
import { alternatives, itemsOf, type Schema } from '../typing/schema.ts'

export interface PlanScope {
  /** Values of the parameters that are known. */
  readonly params: Readonly<Record<string, JsonValue>>
  readonly types: ReadonlyMap<string, Schema>
  /** In a step with forEach whose list is a plain reference: where its items come from. */
  readonly itemPath?: readonly (string | number)[]
  /** Datasets in the outputs of the steps before, by step and pointer; `*` stands for the index of an item. */
  readonly datasets: ReadonlyMap<string, Readonly<Record<string, DatasetPlan>>>
}

const unknown: UnknownValue = { kind: 'unknown' }
const someFile: ArtefactPlan = { kind: 'artefact' }
const someDataset: DatasetPlan = { kind: 'dataset', columns: [], open: true }

export function planBody(template: Template, scope: PlanScope): JsonValue {
  switch (template.kind) {
    case 'value':
      return template.value
    case 'expression':
      return planValue(template.expression, scope)
    case 'text':
      return template.parts.every(part => typeof part === 'string' || valueOf(part, scope) !== undefined)
        ? fill(template, { params: scope.params, steps: {}, run: null, types: typesOf(scope) })
        : unknown
    case 'list':
      return template.items.map(item => planBody(item, scope))
    case 'map':
      return Object.fromEntries(template.entries.map(([key, inner]) => [key, planBody(inner, scope)]))
  }
}

function planValue(expression: Expression, scope: PlanScope): JsonValue {
  const value = valueOf(expression, scope)
  if (value !== undefined) return value
  if (expression.path === undefined) return unknown
  const [first, ...inItem] = expression.path
  const path = first === 'item' && scope.itemPath ? [...scope.itemPath, ...inItem] : expression.path
  const [root, name, ...rest] = path
  if (root === 'steps' && name !== undefined) {
    const datasets = scope.datasets.get(String(name))
    const pointer = (index?: string) => rest.map(key => `/${typeof key === 'number' ? (index ?? key) : key}`).join('')
    const known = datasets?.[pointer()] ?? datasets?.[pointer('*')]
    if (known) return known
  }
  return standIn(schemaAt(expression.path, scope))
}

/** The value of an expression that needs nothing but parameters that are known. */
function valueOf(expression: Expression, scope: PlanScope): JsonValue | undefined {
  const roots = expression.reads.filter(([root]) => root !== undefined && scope.types.has(root))
  const known = roots.every(
    ([root, name]) => root === 'params' && name !== undefined && Object.hasOwn(scope.params, name),
  )
  if (!known) return undefined
  try {
    return evaluate(expression, { params: scope.params, steps: {}, run: null, types: typesOf(scope) })
  } catch (error) {
    if (error instanceof EvaluationError) return undefined
    throw error
  }
}

const typesOf = ({ types }: PlanScope): Schema => ({ type: 'object', properties: Object.fromEntries(types) })

function schemaAt(path: readonly (string | number)[], scope: PlanScope): Schema | undefined {
  let schema = scope.types.get(String(path[0]))
  for (const key of path.slice(1)) {
    const kind = typeof key === 'number' ? 'list' : 'map'
    const found = schema && alternatives(schema).find(other => other.kind === kind)?.schema
    schema = typeof key === 'number' ? found && itemsOf(found) : found?.properties?.[key]
  }
  return schema
}

/** A reference to data stays one: a stage can tell a dataset of unknown columns from a number. */
function standIn(schema: Schema | undefined): JsonValue {
  const kinds = schema ? alternatives(schema).map(({ schema: part }) => part.properties?.['kind']) : []
  if (kinds.some(kind => kind && 'const' in kind && kind.const === 'dataset')) return someDataset
  if (kinds.some(kind => kind && 'const' in kind && kind.const === 'artefact')) return someFile
  return unknown
}
