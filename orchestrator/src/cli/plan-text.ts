// A plan as a table. Pure.

import type { DatasetPlan, StepPlan, WorkflowPlan } from '@meshwork/contracts'

export function planText(plan: WorkflowPlan): string {
  const head = ['level', 'step', 'stage', 'needs', 'gives', 'cache']
  const rows = plan.steps.map(step => [
    String(step.level),
    step.name,
    step.version === null ? step.stage : `${step.stage} (${step.version})`,
    step.needs.join(', '),
    Object.entries(step.datasets)
      .map(([pointer, dataset]) => given(pointer, dataset))
      .join(', '),
    cacheText(step),
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  const notes = plan.diagnostics.map(({ line: at, column, code, message }) => `${at}:${column} ${code}: ${message}`)
  return [
    `${plan.workflow}${plan.version === null ? '' : ` version ${plan.version}`}: ${plan.steps.length} steps, at most ${plan.parallel} side by side`,
    '',
    line(head),
    line(widths.map(width => '-'.repeat(width))),
    ...rows.map(line),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n')
}

const given = (pointer: string, { columns, open }: DatasetPlan): string =>
  `${pointer.slice(1)}: ${columns.length}${open ? ' or more' : ''} columns`

const cacheText = ({ cache }: StepPlan): string =>
  cache.reuse === 'yes'
    ? `reused from run ${cache.run?.slice(0, 8) ?? ''}`
    : `${cache.reuse === 'no' ? 'runs' : 'not known'}: ${cache.reason}`
