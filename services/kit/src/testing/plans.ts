// For tests of plans: datasets written as text, and a plan held against what the call really does.

import type { Column, DatasetPlan, DatasetRef, StagePlan } from '@meshwork/contracts'
import { ProblemError } from '@meshwork/contracts'
import type { Static, TSchema } from 'typebox'
import type { Stage } from '../stage/define.ts'
import type { DirectCalls } from './direct-call.ts'

export const unknownValue = { kind: 'unknown' } as const
export const plannedArtefact = { kind: 'artefact' } as const

/** `planned('id int64, name string')`; `…` at the end makes it open. */
export function planned(columns: string): DatasetPlan {
  const words = columns.split(', ').filter(word => word !== '')
  const listed = words.filter(word => word !== '…').map(word => word.split(/ (?=\S+$)/))
  const dataset = { kind: 'dataset' as const, columns: listed.map(([name, type]) => ({ name, type }) as Column) }
  return words.at(-1) === '…' ? { ...dataset, open: true } : dataset
}

/** The same the other way round. */
export const shownColumns = ({ columns, open }: Pick<DatasetPlan, 'columns' | 'open'>): string =>
  [...columns.map(({ name, type }) => `${name} ${type}`), ...(open ? ['…'] : [])].join(', ')

/** A plan as text: datasets by their place, and one line for each finding. */
export function shownPlan({ datasets, findings }: StagePlan): Record<string, string | string[]> {
  return {
    ...Object.fromEntries(Object.entries(datasets).map(([place, dataset]) => [place, shownColumns(dataset)])),
    findings: findings.map(({ severity, pointer, code }) => `${severity} ${pointer} ${code}`),
  }
}

export interface Agreement {
  readonly plan: 'accepted' | 'refused'
  readonly run: 'done' | 'refused'
  /** What one says and the other does not do. */
  readonly fault: string | undefined
}

/**
 * Plans and calls with the same input. What the plan refuses the call must refuse; what it accepts must be done, with
 * exactly the columns that the plan told, unless the call fails by one of the codes that depend on the data.
 */
export async function comparePlan<I extends TSchema, O extends TSchema>(
  calls: DirectCalls,
  stage: Stage<I, O>,
  input: Static<I>,
  ofData: ReadonlySet<string>,
): Promise<Agreement> {
  const found = await calls.plan(stage, input)
  const errors = found.findings.filter(({ severity }) => severity === 'error')
  const plan = errors.length > 0 ? 'refused' : 'accepted'
  const answer = await calls.call(stage, input).catch((error: unknown) => error)
  if (answer instanceof Error && !(answer instanceof ProblemError)) throw answer
  if (answer instanceof ProblemError) {
    const told = errors.some(({ code }) => code === answer.code) || ofData.has(answer.code)
    return { plan, run: 'refused', fault: told ? undefined : `only the call says: ${answer.message}` }
  }
  if (plan === 'refused') return { plan, run: 'done', fault: `only the plan says: ${errors[0]?.detail}` }
  return { plan, run: 'done', fault: differentColumns(found, answer as Record<string, unknown>) }
}

function differentColumns({ datasets }: StagePlan, answer: Record<string, unknown>): string | undefined {
  for (const [place, dataset] of Object.entries(datasets)) {
    const real = answer[place.slice(1)] as DatasetRef | null
    // A dataset that is made only where there is something to put into it.
    if (real === null) continue
    const [told, made] = [shownColumns(dataset), shownColumns(real)]
    const holds = dataset.open ? standsIn(dataset.columns, real.columns) : told === made
    if (!holds) return `${place}: planned ${told}, made ${made}`
  }
  return undefined
}

/** Whether all of the first are in the second, in this order. */
function standsIn(few: readonly Column[], many: readonly Column[]): boolean {
  let next = 0
  for (const { name, type } of many) if (few[next]?.name === name && few[next]?.type === type) next++
  return next === few.length
}

/** Numbers from 0 to 1, always the same (mulberry32): a failure can be repeated by its seed. */
export function seeded(seed: number): { next: () => number; pick: <T>(values: readonly T[]) => T } {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, pick: values => values[Math.floor(next() * values.length)] as (typeof values)[number] }
}
