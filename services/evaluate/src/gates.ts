// Bounds on metrics. Pure.

import { type Evaluation, type Gate, MeshError, type ProblemItem } from '@meshwork/contracts'
import type { Metrics } from './metrics.ts'
import { cannot } from './terms.ts'

type Slice = { readonly by: string; readonly value: string | null; readonly metrics: Metrics }
export type GateResult = Evaluation['gates'][number]

const resultsMax = 100_000
const shownMax = 20

/** Refuses gates that could never hold, before any data is read. */
export function checkGates(gates: readonly Gate[], available: readonly string[]): void {
  for (const { metric, min, max } of gates) {
    if (!available.includes(metric))
      throw cannot(`the gate on "${metric}" can never hold; this evaluation has: ${available.join(', ')}`)
    if (min === undefined && max === undefined) throw cannot(`the gate on "${metric}" has neither "min" nor "max"`)
    if (min !== undefined && max !== undefined && min > max)
      throw cannot(`the gate on "${metric}" can never hold: min ${min} is above max ${max}`)
  }
}

/** Each gate over all rows, then each slice that broke it. `broken` has a line for people for each broken bound. */
export function judgeGates(
  gates: readonly Gate[],
  metrics: Metrics,
  slices: readonly Slice[],
): { results: GateResult[]; broken: ProblemItem[] } {
  const results: GateResult[] = []
  const broken: ProblemItem[] = []
  gates.forEach((gate, i) => {
    const judge = (slice: string | null, value: number | null) => {
      const { metric, min = null, max = null } = gate
      const passed = value !== null && (min === null || value >= min) && (max === null || value <= max)
      if ((passed && slice !== null) || results.length >= resultsMax) return
      results.push({ metric, slice, value, min, max, passed })
      if (!passed) broken.push({ pointer: `/gates/${i}`, detail: sentence({ metric, slice, value, min, max }) })
    }
    judge(null, metrics[gate.metric] ?? null)
    if (gate.everySlice)
      for (const { by, value, metrics: figures } of slices)
        judge(`${by} = ${value ?? '(null)'}`, figures[gate.metric] ?? null)
  })
  return { results, broken }
}

export function gateError(broken: readonly ProblemItem[], checked: number, hash: string): MeshError {
  const shown = broken.slice(0, shownMax).map(({ detail }) => detail)
  if (broken.length > shownMax) shown.push(`and ${broken.length - shownMax} more`)
  return new MeshError(
    'MESHWORK_EVALUATE_GATE',
    { broken: broken.length, checked, gates: shown.join('; '), hash },
    { errors: broken.slice(0, 100) },
  )
}

function sentence({ metric, slice, value, min, max }: Omit<GateResult, 'passed'>): string {
  const bounds = [min === null ? undefined : `at least ${min}`, max === null ? undefined : `at most ${max}`]
  const found = value === null ? 'is not defined here' : `is ${Number(value.toPrecision(6))}`
  return `${metric}${slice === null ? '' : ` of ${slice}`} ${found}, must be ${bounds.filter(Boolean).join(' and ')}`
}
