import type { StepView } from '@meshwork/contracts'

/** Columns of text side by side; those of numbers to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => (row[i] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), widths.map(width => '-'.repeat(width)).join('  '), ...rows.map(line)]
    .map(text => `  ${text}`)
    .join('\n')
}

export function stepTable(steps: readonly StepView[]): string {
  const rows = steps.map(step => [
    step.name,
    `${step.stage} ${step.version ?? ''}`.trim(),
    step.status,
    step.rows === null ? '' : step.rows.toLocaleString('en'),
    step.seconds === null ? '' : step.seconds.toFixed(2),
    (step.inputHash ?? '').slice(0, 12),
    (step.outputHash ?? '').slice(0, 12),
  ])
  return table(['step', 'stage', 'status', 'rows', 'seconds', 'input', 'output'], rows, [3, 4])
}

export function metricTable(metrics: Readonly<Record<string, number | null>>): string {
  const rows = Object.entries(metrics).map(([name, value]) => [name, value === null ? '–' : value.toFixed(4)])
  return table(['metric', 'figure'], rows, [1])
}
