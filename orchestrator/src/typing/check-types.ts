// The types of a workflow: every expression, and every input against the contract of its stage. Pure.

import type { JsonValue, WorkflowDocument } from '@meshwork/contracts'
import { evaluate, EvaluationError, type Expression } from '../definition/expression.ts'
import { expressionsOf, readTemplate, type Template, type TemplateFault } from '../definition/template.ts'
import { uncertainOf } from '../plan/plan.ts'
import { waitStage } from '../plan/wait-plan.ts'
import { checkCel } from './cel/check.ts'
import { checkInput } from './edges.ts'
import { itemType, itemTypes } from './item-type.ts'
import { scopeTypes } from './scope-types.ts'
import { expand, type Schema } from './schema.ts'
import type { Known } from './verdict.ts'

/** What a stage takes and answers. */
export interface StageContract {
  readonly input: Schema
  readonly output: Schema
  /** Days: since when it should not be used for new work, and from when it may be gone. */
  readonly deprecated?: string | undefined
  readonly sunset?: string | undefined
}

export interface TypeFinding {
  readonly severity: 'error' | 'warning'
  readonly code: string
  /** Into the document. */
  readonly pointer: string
  readonly detail: string
  readonly step: string | undefined
  /** Where in the text at the pointer. */
  readonly within?: { readonly text: string; readonly offset: number }
  /** Step that the value comes from. */
  readonly from?: string
}

/** `params` are the values of a run; without them the defaults stand for what has one. */
export function checkTypes(
  document: WorkflowDocument,
  contractOf: (step: string) => StageContract | undefined,
  params: Readonly<Record<string, JsonValue>> = defaultsOf(document),
): TypeFinding[] {
  const found: TypeFinding[] = []
  const types = scopeTypes(document, step => {
    const contract = contractOf(step)
    return contract && expand(contract.output)
  })
  const reader = new Reader(types, params, uncertainOf(document), found)
  for (const [name, step] of Object.entries(document.steps)) {
    const pointer = `/steps/${name}/with`
    const faults: TemplateFault[] = []
    const template = readTemplate(step.with ?? {}, pointer, faults)
    const item = step.forEach === undefined ? undefined : itemType(step.forEach, types)
    reader.readAll(template, pointer, name, item)
    if (step.when !== undefined)
      found.push(...checkValue(name, 'when', step.when, 'boolean', 'its condition must be true or false', reader))
    if (step.forEach !== undefined)
      found.push(...checkValue(name, 'forEach', step.forEach, 'array', 'forEach must be a list', reader))
    const { until, approval } = step.wait ?? {}
    if (until !== undefined)
      found.push(...checkValue(name, 'wait/until', until, 'string', 'until must be a time', reader))
    if (approval?.message !== undefined)
      reader.readAll(
        readTemplate(approval.message, `/steps/${name}/wait/approval/message`, []),
        `/steps/${name}/wait/approval/message`,
        name,
      )
    const contract = contractOf(name)
    const edges = (given: Template, schema: Schema, at: string, what: string) => {
      for (const edge of checkInput(given, schema, expression => reader.known(expression))) {
        // A text that cannot be read is told where it is read.
        if (faults.some(fault => fault.pointer === at + edge.pointer)) continue
        const { expression } = edge
        const from = expression?.reads.find(([root]) => root === 'steps')?.[1]
        found.push({
          severity: edge.severity,
          code: edge.code,
          pointer: at + edge.pointer,
          detail: `step "${name}", ${what} of ${step.stage ?? step.workflow ?? waitStage}: ${inputName(edge.pointer)}${edge.detail}`,
          step: name,
          ...(expression && { within: { text: expression.source, offset: 0 } }),
          ...(from !== undefined && { from }),
        })
      }
    }
    if (contract) edges(template, contract.input, pointer, 'input')
    if (step.fallback !== undefined) {
      const at = `/steps/${name}/fallback`
      const fallback = readTemplate(step.fallback, at, faults)
      reader.readAll(fallback, at, name, item)
      if (contract) edges(fallback, contract.output, at, 'fallback for the output')
    }
  }
  const outputs = readTemplate(document.outputs ?? {}, '/outputs', [])
  reader.readAll(outputs, '/outputs', undefined)
  return found
}

/** What steers a step, and not its input. */
function checkValue(
  name: string,
  key: 'when' | 'forEach' | 'wait/until',
  value: JsonValue,
  type: 'boolean' | 'array' | 'string',
  must: string,
  reader: Reader,
): TypeFinding[] {
  const pointer = `/steps/${name}/${key}`
  const faults: TemplateFault[] = []
  const template = readTemplate(value, pointer, faults)
  reader.readAll(template, pointer, name)
  if (faults.length > 0) return []
  return [...checkInput(template, { type }, expression => reader.known(expression))].map(
    ({ severity, code, detail, expression }) => ({
      severity,
      code,
      pointer,
      detail: `step "${name}": ${must}: ${detail}`,
      step: name,
      ...(expression && { within: { text: expression.source, offset: 0 } }),
    }),
  )
}

/** Types of expressions, each looked at once. */
class Reader {
  readonly #types: ReadonlyMap<string, Schema>
  readonly #params: Readonly<Record<string, JsonValue>>
  /** Steps that may be without an output when the run has succeeded. */
  readonly #uncertain: ReadonlySet<string>
  readonly #found: TypeFinding[]
  readonly #known = new Map<Expression, Known>()

  constructor(
    types: ReadonlyMap<string, Schema>,
    params: Readonly<Record<string, JsonValue>>,
    uncertain: ReadonlySet<string>,
    found: TypeFinding[],
  ) {
    this.#types = types
    this.#params = params
    this.#uncertain = uncertain
    this.#found = found
  }

  /** undefined for an expression that is wrong. */
  known(expression: Expression): Known | undefined {
    return this.#known.get(expression)
  }

  /** `item` is the type of the items, in the input of a step with forEach. */
  readAll(template: Template, at: string, step: string | undefined, item?: Schema): void {
    for (const { expression, pointer } of expressionsOf(template, at)) {
      const types = this.#typesFor(expression, step)
      const { schema, faults } = checkCel(
        expression.node,
        item === undefined ? types : new Map([...types, ...itemTypes(item)]),
      )
      if (faults.length === 0 && this.#names(expression))
        this.#known.set(expression, this.#classify(expression, schema))
      const where = step === undefined ? 'outputs' : `step "${step}"`
      for (const { code, detail, start } of faults)
        this.#found.push({
          severity: 'error',
          code,
          pointer,
          detail: `${where}: "\${${expression.source}}": ${detail}`,
          step,
          within: { text: expression.source, offset: start },
        })
    }
  }

  /**
   * A step is not begun without the outputs that it reads, but for those that it tests for. The outputs of the run are
   * made of what there is.
   */
  #typesFor({ reads, tests }: Expression, step: string | undefined): ReadonlyMap<string, Schema> {
    const read = reads.flatMap(([root, name]) => (root === 'steps' && name !== undefined ? [name] : []))
    const absent = new Set([...tests, ...(step === undefined ? read.filter(name => this.#uncertain.has(name)) : [])])
    const steps = this.#types.get('steps')
    if (absent.size === 0 || !steps?.required) return this.#types
    return new Map([
      ...this.#types,
      ['steps', { ...steps, required: steps.required.filter(name => !absent.has(name)) }],
    ])
  }

  /** Whether all that it names is there; what is not is told by name elsewhere. */
  #names(expression: Expression): boolean {
    return expression.reads.every(([root = '', key]) => {
      const named = root === 'params' || root === 'steps' ? this.#types.get(root)?.properties : undefined
      return !named || key === undefined || Object.hasOwn(named, key)
    })
  }

  #classify(expression: Expression, schema: Schema): Known {
    const roots = expression.reads.filter(([root]) => root !== undefined && this.#types.has(root))
    const ofItem = expression.reads.some(([root]) => root === 'item' || root === 'index')
    if (ofItem || !roots.every(([root]) => root === 'params'))
      return { kind: expression.path === undefined ? 'computed' : 'reference', schema }
    const given = roots.every(([, name]) => name !== undefined && Object.hasOwn(this.#params, name))
    return { kind: 'params', schema, value: given ? this.#value(expression) : undefined }
  }

  #value(expression: Expression): JsonValue | undefined {
    const params = this.#types.get('params') as Schema
    const types: Schema = { type: 'object', properties: { params }, required: ['params'] }
    try {
      return evaluate(expression, { params: this.#params, steps: {}, run: null, types })
    } catch (error) {
      if (error instanceof EvaluationError) return undefined
      throw error
    }
  }
}

export function defaultsOf(document: WorkflowDocument): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(document.params ?? {}).flatMap(([name, param]) =>
      param.default === undefined ? [] : [[name, param.default] as const],
    ),
  )
}

const inputName = (pointer: string): string => (pointer === '' ? '' : `${pointer.slice(1)}: `)
