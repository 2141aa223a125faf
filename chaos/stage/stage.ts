// A stage with effects. Like any stage that changes something outside, it keeps the idempotency key with the effect, and
// does the work of a key once, over its own death too.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ProblemError } from '@meshwork/contracts'
import { defineStage } from '@meshwork/kit'
import Type from 'typebox'
import { unitOf } from '../program/program.ts'
import { EffectLedger } from './effects.ts'

export const deaths = ['before', 'during', 'after'] as const
export type Death = (typeof deaths)[number]

const Input = Type.Object(
  {
    seen: Type.Array(Type.String(), { maxItems: 256 }),
    /** Attempts that fail first and may be tried again. */
    failures: Type.Integer({ minimum: 0, maximum: 1000 }),
    /** Whether it fails for good. */
    broken: Type.Boolean(),
    since: Type.String(),
    item: Type.Optional(Type.Integer({ minimum: 0 })),
    workMs: Type.Integer({ minimum: 0, maximum: 60_000 }),
  },
  { additionalProperties: false },
)
const Output = Type.Object({ token: Type.String() }, { additionalProperties: false })

let ledger: EffectLedger
let death: Death | undefined

const die = (when: Death) => {
  if (death === when) process.kill(process.pid, 'SIGKILL')
}

export const stage = defineStage({
  name: 'effect',
  version: '1.0.0',
  summary: 'Writes what it does into a ledger.',
  input: Input,
  output: Output,
  start: async ({ environment }) => {
    ledger = new EffectLedger(environment['MESHWORK_EFFECT_LEDGER'] ?? 'effects.ndjson')
  },
  routes: async app => {
    app.post<{ Params: { when: Death } }>('/die/:when', async ({ params }) => {
      death = params.when
      return { death }
    })
  },
  run: async (input, { run, idempotencyKey, signal }) => {
    if (!run || idempotencyKey === undefined) throw new Error('called without a run')
    const { item } = input
    const of = { key: idempotencyKey, run: run.runId, step: unitOf(run.step, item), attempt: run.attempt }
    ledger.append({ kind: 'call', ...of, at: Date.now() })
    die('before')
    if (input.broken) throw problem('EFFECT_BROKEN', 422, false)
    if (run.attempt <= input.failures) throw problem('EFFECT_NOT_YET', 503, true)
    await pause(input.workMs, undefined, { signal })
    const effect = {
      kind: 'effect' as const,
      ...of,
      at: Date.now(),
      token: `${run.step}-${randomUUID()}`,
      seen: input.seen,
    }
    const done = ledger.done(of.key)
    if (!done) {
      if (death === 'during') ledger.tear(effect)
      die('during')
      ledger.append(effect)
    }
    die('after')
    return { token: done?.token ?? effect.token }
  },
})

const problem = (code: string, status: number, retryable: boolean) =>
  new ProblemError({ code, status, retryable, title: 'Asked to', detail: 'It was asked to fail.' })
