// Which steps a run with `cache` would take from earlier runs, and why not. A step's input is known before the run only
// when everything it reads is: parameters that are given, and outputs that would themselves be reused.

import { createHash } from 'node:crypto'
import { canonicalJson, type JsonValue, type StepPlan } from '@meshwork/contracts'
import { EvaluationError, type Scope } from '../definition/expression.ts'
import { expressionsOf, fill, readTemplate } from '../definition/template.ts'
import type { Schema } from '../typing/schema.ts'
import type { Plan } from './plan.ts'

export type Forecast = StepPlan['cache']

export interface Recorded {
  readonly run: string
  readonly output: JsonValue
}

/** What an earlier run recorded for this stage, version and input. */
export type FindRecorded = (step: string, inputHash: string) => Promise<Recorded | undefined>

export async function forecast(
  plan: Plan,
  params: Readonly<Record<string, JsonValue>>,
  types: Schema | undefined,
  find: FindRecorded,
): Promise<Map<string, Forecast>> {
  const forecasts = new Map<string, Forecast>()
  const outputs: Record<string, JsonValue> = {}
  for (const step of plan.steps) {
    if (step.wait || step.sub) {
      const reason = step.wait ? 'it waits' : 'it runs a workflow, whose steps are looked at one by one'
      forecasts.set(step.name, { reuse: step.wait ? 'no' : 'unknown', reason, run: null })
      continue
    }
    if (step.each) {
      forecasts.set(step.name, {
        reuse: 'unknown',
        reason: 'its items are looked at one by one when it runs',
        run: null,
      })
      continue
    }
    if (step.cache === false) {
      forecasts.set(step.name, { reuse: 'no', reason: 'it says cache: false', run: null })
      continue
    }
    const template = readTemplate([step.with, step.when ?? ''], '', [])
    const reads = expressionsOf(template, '').flatMap(({ expression }) => expression.reads)
    const why = reasonNotKnown(reads, params, outputs)
    if (why) {
      forecasts.set(step.name, { ...why, run: null })
      continue
    }
    const scope: Scope = { params, steps: outputs, run: null, ...(types && { types }) }
    try {
      const [input = null, when] = fill(template, scope) as JsonValue[]
      if (when === false) {
        forecasts.set(step.name, { reuse: 'no', reason: 'its condition is false: it would be skipped', run: null })
        continue
      }
      const inputHash = createHash('sha256').update(canonicalJson(input)).digest('hex')
      const recorded = await find(step.name, inputHash)
      if (recorded) outputs[step.name] = recorded.output
      forecasts.set(
        step.name,
        recorded
          ? { reuse: 'yes', reason: 'the same stage version had the same input before', run: recorded.run }
          : {
              reuse: 'no',
              reason: step.cache
                ? 'no run within maxAge had this input with this version of the stage'
                : 'no earlier run had this input with this version of the stage',
              run: null,
            },
      )
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      forecasts.set(step.name, { reuse: 'unknown', reason: error.message, run: null })
    }
  }
  return forecasts
}

function reasonNotKnown(
  reads: readonly (readonly string[])[],
  params: Readonly<Record<string, JsonValue>>,
  outputs: Readonly<Record<string, JsonValue>>,
): { reuse: 'no' | 'unknown'; reason: string } | undefined {
  for (const [root, name] of reads) {
    if (root === 'run') return { reuse: 'no', reason: 'it reads "run", which is different every time' }
    if (root === 'params' && name !== undefined && !Object.hasOwn(params, name))
      return { reuse: 'unknown', reason: `parameter "${name}" is not given` }
    if (root === 'steps' && name !== undefined && !Object.hasOwn(outputs, name))
      return { reuse: 'no', reason: `step "${name}" before it would run` }
  }
  return undefined
}
