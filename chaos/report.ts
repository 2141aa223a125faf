// What a run of chaos says when it is over.

import type { ChaosResult } from './run-chaos.ts'

const violationsShown = 5

export function report(seed: number, result: ChaosResult): string {
  const { injected, missed, runs, calls, effects, duplicates, unanswered, violations } = result
  const kinds = Map.groupBy(injected, ({ fault }) => fault)
  const lines = [
    `seed ${seed}`,
    'faults injected:',
    ...[...kinds].map(([fault, all]) => `  ${fault} ${all.length} (${all.at(-1)?.evidence})`),
    ...(missed.length > 0 ? [`faults that did not come about: ${missed.join(', ')}`] : []),
    `runs ${runs}, calls ${calls}, effects ${effects}, duplicate calls ${duplicates}, requests without an answer ${unanswered}`,
    `violations ${violations.length}`,
    ...violations
      .slice(0, violationsShown)
      .flatMap(({ promise, run, detail }) => [
        `  ${promise}: run ${run}: ${detail}`,
        ...historyOf(result, run).map(line => `    ${line}`),
      ]),
  ]
  return lines.join('\n')
}

/** Events and ledger lines of a run. */
function historyOf({ record }: ChaosResult, id: string): string[] {
  const run = record.runs.get(id)
  if (!run) return ['it is not in the database']
  return [
    ...run.events.map(({ id: n, type, step, attempt }) =>
      `event ${n} ${type} ${step ?? ''} ${attempt ?? ''}`.trimEnd(),
    ),
    ...run.lines.map(({ kind, step, attempt, key }) => `${kind} of ${step}, attempt ${attempt}, ${key}`),
  ]
}
