// Steps and events as JSON on their way into the tables, many runs in one statement.

import { itemPlace } from '../step/item-name.ts'
import type { StepState } from '../step/state.ts'
import type { Plan } from '../plan/plan.ts'
import type { NewEvent } from './transition.ts'

export interface StepPlace {
  readonly place: number
  readonly stage: string
}

/** Writes `steps` of each row of `source`, which has the columns id and steps. */
export const writeStepsSql = (source: string): string => `
  INSERT INTO step AS old (run_id, name, place, stage, version, status, attempts, generation, next_at, rows, seconds, progress, input_hash, output_hash, output, problem, items, item_of, item, started_at, ended_at)
  SELECT u.id, n.name, n.place, n.stage, n.version, n.status, n.attempts, n.generation, to_timestamp(n.next_at / 1000.0), n.rows, n.seconds, NULL, n.input_hash, n.output_hash,
    nullif(n.output, 'null'), nullif(n.problem, 'null'), n.items, n.item_of, n.item, to_timestamp(n.started_at / 1000.0), to_timestamp(n.ended_at / 1000.0)
  FROM ${source} AS u, jsonb_to_recordset(u.steps) AS n(name text, place int, stage text, version text, status text, attempts int, generation int, next_at double precision, rows bigint,
    seconds double precision, input_hash text, output_hash text, output jsonb, problem jsonb, items int, item_of text, item int, started_at double precision, ended_at double precision)
  ON CONFLICT (run_id, name) DO UPDATE SET version = excluded.version, status = excluded.status, attempts = excluded.attempts, generation = excluded.generation, next_at = excluded.next_at,
    rows = excluded.rows, seconds = excluded.seconds, progress = NULL, input_hash = excluded.input_hash, output_hash = excluded.output_hash,
    output = excluded.output, problem = excluded.problem, items = excluded.items, started_at = excluded.started_at, ended_at = excluded.ended_at`

/** Writes `events` of each row of `source`, numbered on from its `base`. */
export const writeEventsSql = (source: string): string => `
  INSERT INTO event (run_id, id, type, step, attempt, data)
  SELECT u.id, u.base + item.place, item.value->>'type', item.value->>'step', (item.value->>'attempt')::int, coalesce(item.value->'data', '{}'::jsonb)
  FROM ${source} AS u, jsonb_array_elements(u.events) WITH ORDINALITY AS item(value, place)`

/** Of a step, or of an item of one, which has the place and the stage of its step. */
export const stepPayload = (step: StepState, places: ReadonlyMap<string, StepPlace>) => {
  const item = itemPlace(step.name)
  const place = places.get(item?.step ?? step.name)
  return {
    name: step.name,
    place: place?.place ?? 0,
    stage: place?.stage ?? '',
    items: step.items,
    item_of: item?.step ?? null,
    item: item?.index ?? null,
    version: step.version,
    status: step.status,
    attempts: step.attempts,
    generation: step.generation,
    next_at: step.nextAt,
    rows: step.rows,
    seconds: step.seconds,
    input_hash: step.inputHash,
    output_hash: step.outputHash,
    output: step.output,
    problem: step.problem,
    started_at: step.startedAt,
    ended_at: step.endedAt,
  }
}

export const eventPayload = ({ type, step, attempt, data }: NewEvent) => ({
  type,
  step: step ?? null,
  attempt: attempt ?? null,
  data: data ?? {},
})

const places = new WeakMap<Plan, ReadonlyMap<string, StepPlace>>()

/** Place and stage of each step of a plan. */
export function placesOf(plan: Plan): ReadonlyMap<string, StepPlace> {
  const known = places.get(plan) ?? new Map(plan.steps.map(({ name, stage }, place) => [name, { place, stage }]))
  places.set(plan, known)
  return known
}
