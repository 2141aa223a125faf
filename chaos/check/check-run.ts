// What must hold of one run. Pure.
//
//  Effects   each step, or item of one, has at most one effect, of its program, after the effects of the steps before it.
//  Calls     an attempt is called once at the most, and only after it was recorded as started.
//  Events    are numbered without gaps, end once, at the end, and replay to the state of the tables.
//  Attempts  grow by one, end with an error that may not be tried again, and those that were answered stay within the
//            policy: one whose orchestrator died before it heard the answer is made again.
//  Cancel    nothing starts after it.
//  Outcome   is what the program says.

import { noteTypes } from '../../orchestrator/src/engine/step-notes.ts'
import type { Start } from '../drive/driver.ts'
import { expect, passedOn, type Program, type ProgramStep, unitOf, unitsOf } from '../program/program.ts'
import type { EffectLine } from '../stage/effects.ts'
import type { EventRecord, RunRecord, StepRecord } from './record.ts'
import type { Violation } from './violation.ts'

const finals = new Set<string>(['run.succeeded', 'run.failed', 'run.cancelled'])
const settledBy: Readonly<Record<string, string>> = {
  'step.succeeded': 'succeeded',
  'step.failed': 'failed',
  'step.cancelled': 'cancelled',
  'step.skipped': 'skipped',
}
/** They may come late. */
const notes = new Set<string>(noteTypes)
const answers = new Set<string>(['step.succeeded', 'step.retrying', 'step.failed'])
type Note = (promise: string, detail: string) => void

export function checkRun(run: RunRecord, start: Start): Violation[] {
  const violations: Violation[] = []
  const note: Note = (promise, detail) => violations.push({ promise, run: run.id, detail })
  checkEffects(run, start.program, note)
  checkCalls(run, note)
  checkEvents(run, note)
  checkSteps(run, start.program, note)
  checkCancel(run, start, note)
  checkOutcome(run, start, note)
  return violations
}

function checkEffects({ lines, steps }: RunRecord, program: Program, note: Note): void {
  const effects = new Map<string, EffectLine>()
  for (const line of lines) {
    const step = program.steps.find(candidate => unitsOf(candidate).includes(line.step))
    if (!step) {
      note('effects belong to the program', `a ${line.kind} for step ${line.step}`)
      continue
    }
    if (line.kind === 'call') checkBefore(step, program, effects, line.attempt, note)
    else {
      if (effects.has(line.step)) note('an effect once', `step ${line.step} has two, the second under ${line.key}`)
      checkSeen(step, program, line, effects, note)
      effects.set(line.step, line)
    }
  }
  for (const record of steps)
    if (record.status === 'succeeded')
      for (const [unit, token] of tokensOf(record))
        if (token !== effects.get(unit)?.token)
          note('outputs as they were answered', `step ${unit} has ${token}, its effect ${effects.get(unit)?.token}`)
}

/** What a step put out, by the names of its effects. */
function tokensOf({ name, output }: StepRecord): [string, string | undefined][] {
  return output && 'items' in output
    ? output.items.map(({ token }, i) => [unitOf(name, i), token])
    : [[name, output?.token]]
}

type Effects = ReadonlyMap<string, EffectLine>
const stepOf = ({ steps }: Program, name: string) => steps.find(step => step.name === name) as ProgramStep

function checkBefore(step: ProgramStep, program: Program, effects: Effects, attempt: number, note: Note): void {
  for (const before of [...step.sees, ...step.needs])
    for (const unit of unitsOf(stepOf(program, before)))
      if (!effects.has(unit))
        note('steps in order', `attempt ${attempt} of ${step.name} was called before ${unit} had its effect`)
}

function checkSeen(step: ProgramStep, program: Program, line: EffectLine, effects: Effects, note: Note): void {
  for (const [i, before] of step.sees.entries())
    if (line.seen[i] !== effects.get(passedOn(stepOf(program, before)))?.token)
      note('inputs as they were answered', `${line.step} was sent ${line.seen[i]} for ${before}`)
}

/** Which step, or item of one, an event is about. */
const subjectOf = ({ step, data }: EventRecord): string | undefined =>
  step === null ? undefined : unitOf(step, data['item'] as number | undefined)

function checkCalls({ lines, events }: RunRecord, note: Note): void {
  const started = new Set(
    events.flatMap(event => (event.type === 'step.started' ? [`${subjectOf(event)}/${event.attempt}`] : [])),
  )
  const called = new Set<string>()
  for (const { kind, step, attempt } of lines) {
    if (kind !== 'call') continue
    const name = `${step}/${attempt}`
    if (called.has(name)) note('an attempt is one call', `${name} was called twice`)
    if (!started.has(name)) note('nothing is sent that is not recorded', `${name} was called`)
    called.add(name)
  }
}

function checkEvents({ events, eventSeq, status, ended }: RunRecord, note: Note): void {
  for (const [i, { id }] of events.entries())
    if (id !== i + 1) return note('events without gaps', `event ${i + 1} has the number ${id}`)
  if (events.length !== eventSeq) note('events without gaps', `${events.length} of ${eventSeq} are there`)
  const ends = events.filter(({ type }) => finals.has(type))
  if (!ended) return note('every run ends', `it is ${status}`)
  if (ends.length !== 1) note('a run ends once', `${ends.length} ends`)
  const last = events.at(-1)?.type
  if (last !== `run.${status}`) note('events replay to the state', `the last is ${last}, the run ${status}`)
}

function checkSteps({ events, steps }: RunRecord, program: Program, note: Note): void {
  const settled = new Map<string, string>()
  const attempts = new Map<string, number>()
  const answered = new Map<string, number>()
  for (const event of events) {
    const { type, attempt, data } = event
    const step = subjectOf(event)
    if (step === undefined || notes.has(type)) continue
    if (settled.has(step)) note('a step settles once', `${type} of ${step}, which had ${settled.get(step)}`)
    const own = program.steps.find(({ name }) => name === event.step)
    const policy = own?.attempts ?? 0
    if (type === 'step.started' || type === 'step.waiting')
      for (const before of [...(own?.sees ?? []), ...(own?.needs ?? [])])
        if (settled.get(before) !== 'succeeded')
          note('steps in order', `${type} of ${step} before the end of ${before}`)
    if (type === 'step.started') {
      if (attempt !== (attempts.get(step) ?? 0) + 1)
        note('attempts grow by one', `attempt ${attempt} of ${step} after ${attempts.get(step)}`)
      attempts.set(step, attempt ?? 0)
    }
    if (type === 'step.retrying' && data['code'] === 'EFFECT_BROKEN')
      note('what may not be tried again is not', `${step} is tried again after ${data['code']}`)
    if (answers.has(type)) answered.set(step, (answered.get(step) ?? 0) + 1)
    if ((answered.get(step) ?? 0) > policy)
      note('attempts within the policy', `attempt ${attempt} of ${step} was answered, of ${policy} at the most`)
    const end = settledBy[type]
    if (end !== undefined) settled.set(step, end)
  }
  for (const { name, status } of steps)
    if (settled.get(name) !== status)
      note('events replay to the state', `step ${name} is ${status}, its events say ${settled.get(name)}`)
}

function checkCancel({ events }: RunRecord, { cancelled }: Start, note: Note): void {
  const at = events.findIndex(({ type }) => type === 'run.cancelling' || type === 'run.cancelled')
  if (cancelled && !events.some(({ type }) => finals.has(type) || type === 'run.cancelling'))
    note('a cancel is kept', 'it was acknowledged, and no event says so')
  if (at < 0) return
  for (const { type, step, attempt } of events.slice(at))
    if (type === 'step.started') note('nothing starts after a cancel', `attempt ${attempt} of ${step}`)
}

function checkOutcome({ status, steps, events }: RunRecord, { program, n }: Start, note: Note): void {
  const expected = expect(program, n)
  const asked = events.some(({ type }) => type === 'run.cancelling' || type === 'run.cancelled')
  if (status !== expected.status && !(asked && status === 'cancelled'))
    return note('the outcome is that of the program', `${status} instead of ${expected.status}`)
  if (status !== 'succeeded') return
  for (const [name, become] of expected.steps) {
    const is = steps.find(step => step.name === name)?.status
    if (is !== become) note('the outcome is that of the program', `step ${name} is ${is} instead of ${become}`)
  }
}
