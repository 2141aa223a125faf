// A plan as people see it: levels, edges and a diagram. Pure.

import type { DatasetPlan, Diagnostic, EdgePlan, StepPlan, WorkflowPlan } from '@meshwork/contracts'
import { expressionsOf, readTemplate } from '../definition/template.ts'
import { alternatives, type Schema, show } from '../typing/schema.ts'
import type { Forecast } from './forecast.ts'
import type { Plan, PlanStep } from './plan.ts'

export interface PlanFacts {
  readonly workflow: string
  readonly version: number | null
  readonly plan: Plan
  readonly types: ReadonlyMap<string, Schema>
  readonly datasets: ReadonlyMap<string, Readonly<Record<string, DatasetPlan>>>
  readonly deployments: ReadonlyMap<string, { version: string; url: string } | undefined>
  readonly forecasts: ReadonlyMap<string, Forecast>
  readonly diagnostics: readonly Diagnostic[]
}

export function planView(facts: PlanFacts): WorkflowPlan {
  const { plan, datasets, deployments, forecasts } = facts
  const levels = levelsOf(plan)
  const steps = plan.steps.map((step): StepPlan => {
    const deployment = deployments.get(step.name)
    return {
      name: step.name,
      stage: calledBy(step),
      version: deployment?.version ?? null,
      url: deployment?.url ?? null,
      level: levels.get(step.name) ?? 0,
      needs: [...step.needs],
      ...(step.when !== undefined && { when: step.when }),
      ...(step.each && { forEach: step.each.list, concurrency: step.each.concurrency }),
      ...(step.continues && { onError: 'continue' as const }),
      ...(step.fallback !== undefined && { onError: 'fallback' as const }),
      ...(step.last && { finally: true }),
      datasets: datasets.get(step.name) ?? {},
      cache: forecasts.get(step.name) ?? { reuse: 'unknown', reason: 'not looked at', run: null },
    }
  })
  const edges = plan.steps.flatMap(step => edgesOf(step.name, step.with, facts))
  const counts = new Map<number, number>()
  for (const { level } of steps) counts.set(level, (counts.get(level) ?? 0) + 1)
  return {
    workflow: facts.workflow,
    version: facts.version,
    steps,
    edges,
    parallel: Math.max(1, ...counts.values()),
    diagnostics: [...facts.diagnostics],
    mermaid: mermaid(steps, edges),
  }
}

/** What a step calls, in a word. */
const calledBy = ({ stage, major, wait, sub }: PlanStep): string =>
  sub ? `workflow ${sub.workflow}@${sub.version}` : wait ? stage : `${stage}@${major}`

/** The longest way from a step that needs nothing. */
function levelsOf(plan: Plan): Map<string, number> {
  const levels = new Map<string, number>()
  const others = plan.steps.filter(({ last }) => !last).map(({ name }) => name)
  for (const { name, needs: own, last } of plan.steps) {
    const needs = last ? [...others, ...own] : own
    levels.set(name, Math.max(-1, ...needs.map(other => levels.get(other) ?? 0)) + 1)
  }
  return levels
}

function edgesOf(to: string, input: Plan['steps'][number]['with'], facts: PlanFacts): EdgePlan[] {
  return expressionsOf(readTemplate(input, '', []), '').flatMap(({ expression, pointer }) =>
    expression.reads.flatMap(read => {
      const [root, from, ...rest] = read
      if (root !== 'steps' || from === undefined) return []
      const dataset = facts.datasets.get(from)?.[rest.map(key => `/${key}`).join('')]
      const schema = schemaAt(facts.types.get('steps'), [from, ...rest])
      return [
        {
          from,
          to,
          reference: read.join('.'),
          pointer,
          type: schema ? show(schema) : 'any value',
          columns: dataset && !dataset.open ? dataset.columns.length : null,
        },
      ]
    }),
  )
}

function schemaAt(root: Schema | undefined, path: readonly string[]): Schema | undefined {
  let schema = root
  for (const key of path)
    schema = schema && alternatives(schema).find(({ kind }) => kind === 'map')?.schema.properties?.[key]
  return schema
}

/** Names of steps are letters, digits and underscores, so they are ids of Mermaid as they stand. */
function mermaid(steps: readonly StepPlan[], edges: readonly EdgePlan[]): string {
  const lines = ['flowchart LR']
  for (const { name, stage, cache } of steps)
    lines.push(
      `  s_${name}${cache.reuse === 'yes' ? `(["${name}<br/>${stage}, reused"])` : `["${name}<br/>${stage}"]`}`,
    )
  const drawn = new Set<string>()
  for (const { from, to, reference, columns } of edges) {
    const label =
      columns === null
        ? reference.split('.').slice(2).join('.')
        : `${reference.split('.').slice(2).join('.')}: ${columns} columns`
    const line = `  s_${from} -->|"${label.replaceAll('"', "'")}"| s_${to}`
    if (!drawn.has(line)) lines.push(line)
    drawn.add(line)
  }
  for (const { name, needs } of steps)
    for (const other of needs)
      if (!edges.some(({ from, to }) => from === other && to === name)) lines.push(`  s_${other} --> s_${name}`)
  return `${lines.join('\n')}\n`
}
