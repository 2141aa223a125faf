// What the expressions of a step can see. Pure.

import type { JsonValue } from '@meshwork/contracts'
import type { Scope } from '../definition/expression.ts'
import { ancestorsOf, type Plan } from '../plan/plan.ts'
import { hasOutput, type StepState } from './state.ts'

export interface RunFacts {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly params: Readonly<Record<string, JsonValue>>
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

/** For a step: the outputs and facts of the steps it comes after. For the outputs of the run (no name): of all. */
export function scopeOf(facts: RunFacts, plan: Plan, states: ReadonlyMap<string, StepState>, name?: string): Scope {
  const visible = name === undefined ? undefined : ancestorsOf(plan, name)
  const done = plan.steps.flatMap(step => {
    const state = states.get(step.name)
    return state && hasOutput(state) && (visible === undefined || visible.has(step.name)) ? [{ step, state }] : []
  })
  return {
    ...(plan.types && { types: plan.types }),
    params: facts.params,
    steps: Object.fromEntries(done.map(({ step, state }) => [step.name, state.output])),
    run: {
      id: facts.id,
      workflow: facts.workflow,
      version: facts.version,
      startedAt: new Date(facts.startedAt).toISOString(),
      params: { ...facts.params },
      steps: done.map(({ step, state }) => ({
        name: step.name,
        stage: step.stage,
        version: state.version ?? '',
        rows: state.rows,
        seconds: state.seconds,
        inputHash: state.inputHash,
        outputHash: state.outputHash,
      })),
    },
  }
}
