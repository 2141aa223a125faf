// What must hold of all runs together. Pure.

import type { History, Start } from '../drive/driver.ts'
import type { Program } from '../program/program.ts'
import { checkCallsAtOnce } from './calls-at-once.ts'
import { checkRun } from './check-run.ts'
import type { Record, RunRecord } from './record.ts'
import { checkUnderWay } from './under-way.ts'
import type { Violation } from './violation.ts'

/** What a client asked for; of a run that a step started, as if a client had. */
function startOf({ key, parent }: RunRecord, history: History, record: Record): Start | undefined {
  if (parent === null) return key === null ? undefined : history.starts.get(key)
  const above = record.runs.get(parent.run)
  const start = above && startOf(above, history, record)
  const program = start?.program.steps.find(({ name }) => name === parent.step)?.runs
  return start && program && { key: key ?? '', program, n: start.n, acknowledged: new Set(), cancelled: false }
}

export function check(history: History, record: Record): Violation[] {
  const violations: Violation[] = []
  const byKey = new Map<string, string>()
  const bounded = new Map<Program, RunRecord[]>()
  for (const [id, run] of record.runs) {
    const start = startOf(run, history, record)
    if (!start) {
      violations.push({ promise: 'one run for a key', run: id, detail: `it has the key ${run.key}, which nobody sent` })
      continue
    }
    if (byKey.has(start.key))
      violations.push({ promise: 'one run for a key', run: id, detail: `${start.key} has ${byKey.get(start.key)} too` })
    byKey.set(start.key, id)
    violations.push(...checkRun(run, start))
    if (start.program.runsMax !== undefined) bounded.set(start.program, [...(bounded.get(start.program) ?? []), run])
  }
  for (const [{ runsMax = 0 }, runs] of bounded) violations.push(...checkUnderWay(runs, runsMax))
  for (const { key, acknowledged } of history.starts.values()) {
    const ids = [...acknowledged]
    if (ids.length > 1)
      violations.push({ promise: 'one run for a key', run: ids[0] ?? '', detail: `${key} was answered ${ids.join()}` })
    for (const id of ids)
      if (!record.runs.has(id))
        violations.push({ promise: 'an acknowledged run is never lost', run: id, detail: `${key} was answered it` })
  }
  for (const limited of history.limited) violations.push(...checkCallsAtOnce(record.lines, limited))
  for (const { holder, taken } of record.placesTaken)
    violations.push({ promise: 'every place is given back', run: '', detail: `${holder} still has ${taken}` })
  for (const { run, state } of record.jobsAstray)
    violations.push({ promise: 'every run ends', run, detail: `its job is ${state}` })
  for (const { run, step } of record.lines)
    if (!record.runs.has(run)) violations.push({ promise: 'no effect without a run', run, detail: `step ${step}` })
  return violations
}
