// Columns carried through the DAG: each stage is asked, as soon as those before it have answered, what it would
// produce. Findings of all of them are gathered.

import type { DatasetPlan, JsonValue, StagePlan, Step, WorkflowDocument } from '@meshwork/contracts'
import { expressionsOf, readTemplate, type Template } from '../definition/template.ts'
import type { TypeFinding } from '../typing/check-types.ts'
import { itemType, itemTypes } from '../typing/item-type.ts'
import type { Schema } from '../typing/schema.ts'
import { stageOf } from './plan.ts'
import { planBody, type PlanScope } from './plan-body.ts'

export type Planned =
  | { readonly kind: 'planned'; readonly plan: StagePlan }
  /** The stage has no plan, or could not be asked: nothing is known, and nothing is wrong. */
  | { readonly kind: 'unplanned'; readonly reason: string }

export interface StagePlanner {
  plan(stage: string, major: number, body: JsonValue): Promise<Planned>
}

export interface ColumnsRequest {
  readonly document: WorkflowDocument
  /** What each step needs, in an order in which they can run. */
  readonly needs: ReadonlyMap<string, readonly string[]>
  readonly params: Readonly<Record<string, JsonValue>>
  readonly types: ReadonlyMap<string, Schema>
  /** Steps whose input is wrong already: they are not asked, and nothing is known of what they give. */
  readonly wrong: ReadonlySet<string>
}

export interface Columns {
  readonly datasets: ReadonlyMap<string, Readonly<Record<string, DatasetPlan>>>
  readonly findings: readonly TypeFinding[]
  readonly complete: boolean
}

export async function planColumns(request: ColumnsRequest, planner: StagePlanner): Promise<Columns> {
  const { document, needs } = request
  const datasets = new Map<string, Readonly<Record<string, DatasetPlan>>>()
  const findings: TypeFinding[] = []
  let complete = true
  const asked = new Map<string, Promise<void>>()
  const ask = async (name: string): Promise<void> => {
    await Promise.all((needs.get(name) ?? []).map(async other => await asked.get(other)))
    const step = document.steps[name]
    if (!step || request.wrong.has(name)) {
      complete = false
      return
    }
    const called = stageOf(step)
    if (!called) {
      datasets.set(name, {})
      return
    }
    const template = readTemplate(step.with ?? {}, '', [])
    const planned = await planner.plan(
      called.stage,
      called.major,
      planBody(template, { ...scopeOf(step, request), datasets }),
    )
    if (planned.kind === 'unplanned') {
      complete = false
      findings.push(unplanned(name, `${called.stage}@${called.major}`, planned.reason))
      return
    }
    datasets.set(name, step.forEach === undefined ? planned.plan.datasets : ofEveryItem(planned.plan.datasets))
    for (const { severity, pointer, code, detail } of planned.plan.findings) {
      const from = sourceOf(template, pointer)
      findings.push({
        severity,
        code,
        pointer: `/steps/${name}/with${pointer}`,
        detail: `step "${name}": ${detail}`,
        step: name,
        ...(from !== undefined && { from }),
      })
    }
  }
  for (const name of needs.keys()) asked.set(name, ask(name))
  await Promise.all(asked.values())
  // After an error nothing is known of what follows it, and that need not be said again.
  const failed = findings.some(({ severity }) => severity === 'error') || request.wrong.size > 0
  const told = failed ? findings.filter(({ code }) => code !== 'MESHWORK_STAGE_COLUMNS_UNKNOWN') : findings
  return { datasets, findings: told, complete }
}

/** What the input of a step can name: with forEach also the item. */
function scopeOf({ forEach }: Step, { params, types }: ColumnsRequest): Omit<PlanScope, 'datasets'> {
  if (forEach === undefined) return { params, types }
  const list = readTemplate(forEach, '', [])
  const path = list.kind === 'expression' ? list.expression.path : undefined
  return {
    params,
    types: new Map([...types, ...itemTypes(itemType(forEach, types))]),
    ...(path && { itemPath: [...path, 0] }),
  }
}

/** The datasets in the answer for one item, as they stand in the output of the step. */
const ofEveryItem = (datasets: Readonly<Record<string, DatasetPlan>>): Record<string, DatasetPlan> =>
  Object.fromEntries(Object.entries(datasets).map(([pointer, dataset]) => [`/items/*${pointer}`, dataset]))

const unplanned = (step: string, stage: string, reason: string): TypeFinding => ({
  severity: 'warning',
  code: 'columns-not-checked',
  pointer: `/steps/${step}/stage`,
  detail: `step "${step}": the columns of what ${stage} takes and gives are not checked: ${reason}`,
  step,
})

/** The step whose dataset the finding is about: the reference nearest to it. */
function sourceOf(template: Template, pointer: string): string | undefined {
  let best: string | undefined
  let shared = -1
  for (const { expression, pointer: at } of expressionsOf(template, '')) {
    const [root, step] = expression.path ?? []
    if (root !== 'steps' || typeof step !== 'string') continue
    const common = commonTokens(at, pointer)
    if (common > shared) [best, shared] = [step, common]
  }
  return best
}

function commonTokens(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')]
  let count = 0
  while (count < left.length && left[count] === right[count]) count++
  return count
}
