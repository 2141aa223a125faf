// A step that waits: for a time, a signal or an approval. It has no stage.

import { type Param, type Step, WaitAnswer, type WaitTime } from '@meshwork/contracts'
import { anything, expand, type Schema } from '../typing/schema.ts'
import { paramSchema } from '../typing/scope-types.ts'
import { durationMs } from './duration.ts'

export type WaitPlan =
  | { readonly kind: 'time'; readonly forMs?: number; readonly until?: string }
  | {
      readonly kind: 'signal' | 'approval'
      readonly inputs: Readonly<Record<string, Param>>
      /** As it is written. */
      readonly message?: string
      readonly expiresMs?: number
    }

/** Stands for the stage of a step that has none. */
export const waitStage = 'wait'

export function waitPlanOf({ wait = {} }: Step): WaitPlan {
  const asked = wait.approval ?? wait.signal
  if (!asked)
    return {
      kind: 'time',
      ...(wait.for !== undefined && { forMs: durationMs(wait.for) }),
      ...(wait.until !== undefined && { until: wait.until }),
    }
  const { inputs = {}, expires } = asked
  return {
    kind: wait.approval ? 'approval' : 'signal',
    inputs,
    ...(wait.approval?.message !== undefined && { message: wait.approval.message }),
    ...(expires !== undefined && { expiresMs: durationMs(expires) }),
  }
}

/** Times of a wait, as they are written. */
export const timesOf = ({ wait }: Step): { key: string; time: WaitTime }[] =>
  [
    { key: 'wait/for', time: wait?.for },
    { key: 'wait/signal/expires', time: wait?.signal?.expires },
    { key: 'wait/approval/expires', time: wait?.approval?.expires },
  ].flatMap(({ key, time }) => (time === undefined ? [] : [{ key, time }]))

/** What a step that waits puts out. */
export function waitOutput(step: Step): Schema {
  const plan = waitPlanOf(step)
  const at: Schema = { type: 'string', format: 'date-time' }
  if (plan.kind === 'time') return closed({ at })
  const inputs = closed(
    Object.fromEntries(Object.entries(plan.inputs).map(([name, param]) => [name, paramSchema(param)])),
  )
  const { by = anything, comment = anything } = expand(WaitAnswer as unknown as Schema).properties ?? {}
  return closed({ at, by, comment, inputs })
}

const closed = (properties: Record<string, Schema>): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
