// Random workflows, and what must become of their runs. Pure.

import type { Random } from '../random.ts'

/** What a step is besides a call: a short time, a signal that a client sends, or a run of another program. */
export type Kind = 'call' | 'time' | 'signal' | 'run'

export interface ProgramStep {
  readonly name: string
  readonly kind: Kind
  /** What a `run` runs. */
  readonly runs?: Program
  /** Steps whose tokens it is sent. */
  readonly sees: readonly string[]
  /** Steps it only waits for. */
  readonly needs: readonly string[]
  /** It runs only when the parameter n is at least this. */
  readonly fromN: number | undefined
  readonly failures: number
  readonly broken: boolean
  readonly continues: boolean
  readonly last: boolean
  /** How many times its stage is called, once for each item of a list; undefined for a plain step. */
  readonly items: number | undefined
  /** Attempts at the most; few only where all of them fail, so that faults cannot use them up. */
  readonly attempts: number
}

export interface Program {
  readonly name: string
  readonly steps: readonly ProgramStep[]
  /** Runs of it that may be under way at one time, where that is bounded. */
  readonly runsMax: number | undefined
}

export interface Expectation {
  readonly status: 'succeeded' | 'failed'
  /** Of runs that succeed: what becomes of each step. */
  readonly steps: ReadonlyMap<string, 'succeeded' | 'failed' | 'skipped'>
}

const stepsMax = 9
const itemsMax = 5
/** Of a list that waits for places, so that other orchestrators call some of its items. */
const longListMax = 40
const manyAttempts = 60
const failingAttempts = 3
export const nMax = 9

/** `inner` are programs, without such steps of their own, that steps may run. */
export function randomProgram(name: string, random: Random, inner: readonly Program[]): Program {
  const count = random.integer(2, stepsMax)
  const shape = random.pick(['chain', 'fan', 'any'] as const)
  const steps: ProgramStep[] = []
  for (let i = 0; i < count; i++) {
    const earlier = steps.map(step => step.name)
    const befores =
      i === 0
        ? []
        : shape === 'chain'
          ? [`s${i - 1}`]
          : shape === 'fan'
            ? i === count - 1
              ? earlier
              : ['s0']
            : earlier.filter(() => random.chance(1.5 / i))
    const [kind, runs] = randomKind(random, inner)
    if (kind !== 'call') {
      const continues = random.chance(0.3)
      steps.push({ ...quiet, name: `s${i}`, kind, needs: befores, continues, ...(runs && { runs }) })
      continue
    }
    const fails = random.chance(0.08)
    const hopeless = fails && random.chance(0.5)
    const called = (before: string) => steps.some(step => step.name === before && step.kind === 'call')
    const sees = befores.filter(before => called(before) && random.chance(0.7))
    steps.push({
      name: `s${i}`,
      kind,
      sees,
      needs: befores.filter(before => !sees.includes(before)),
      fromN: random.chance(0.15) ? random.integer(0, nMax) : undefined,
      failures: hopeless ? 1000 : random.chance(0.2) ? random.integer(1, 2) : 0,
      broken: fails && !hopeless,
      continues: fails ? random.chance(0.6) : random.chance(0.1),
      last: false,
      items: random.chance(0.2) ? randomItems(random) : undefined,
      attempts: hopeless ? failingAttempts : manyAttempts,
    })
  }
  if (random.chance(0.3)) steps.push({ ...quiet, name: 'last', kind: 'call', last: true })
  // Not of those that steps run: they would hold up the runs above them.
  return { name, steps, runsMax: inner.length > 0 && random.chance(0.2) ? random.integer(2, 6) : undefined }
}

/** What most steps are in all but a few things. */
const quiet: Omit<ProgramStep, 'name' | 'kind'> = {
  sees: [],
  needs: [],
  fromN: undefined,
  failures: 0,
  broken: false,
  continues: false,
  last: false,
  items: undefined,
  attempts: manyAttempts,
}

const randomItems = (random: Random): number =>
  random.chance(0.06) ? random.integer(longListMax / 2, longListMax) : random.integer(1, itemsMax)

function randomKind(random: Random, inner: readonly Program[]): [Kind, Program?] {
  if (inner.length === 0 || random.chance(0.75)) return ['call']
  const kind = random.pick(['time', 'signal', 'run'] as const)
  return kind === 'run' ? [kind, random.pick(inner)] : [kind]
}

/** The names under which a step has effects and outputs: its own, or one for each item; none where it calls nothing. */
export function unitsOf({ name, kind, items }: ProgramStep): string[] {
  if (kind !== 'call') return []
  return items === undefined ? [name] : Array.from({ length: items }, (_, i) => unitOf(name, i))
}

export const unitOf = (step: string, item: number | undefined): string =>
  item === undefined ? step : `${step}[${item}]`

/** The unit of a step whose token is passed on. */
export const passedOn = (step: ProgramStep): string => unitsOf(step)[0] as string

/** The document that is registered. */
export function documentOf({ name, steps, runsMax }: Program, workMs: number): object {
  const tokenOf = (before: string) =>
    steps.find(step => step.name === before)?.items === undefined
      ? `\${steps.${before}.token}`
      : `\${steps.${before}.items[0].token}`
  return {
    name,
    params: { n: { type: 'integer' } },
    ...(runsMax !== undefined && { limits: { runs: runsMax } }),
    steps: Object.fromEntries(
      steps.map(step => [
        step.name,
        {
          ...(step.kind === 'time' && { wait: { for: '20ms' } }),
          ...(step.kind === 'signal' && { wait: { signal: {} } }),
          ...(step.runs && { workflow: `${step.runs.name}@1`, with: { n: '${params.n}' } }),
          ...(step.kind === 'call' && {
            stage: 'effect@1',
            with: {
              seen: step.sees.map(tokenOf),
              // Is the same for all attempts, whoever makes them.
              since: '${run.startedAt}',
              ...(step.items !== undefined && { item: '${index}' }),
              failures: step.failures,
              broken: step.broken,
              workMs,
            },
          }),
          ...(step.items !== undefined && {
            forEach: Array.from({ length: step.items }, (_, i) => i),
            concurrency: step.items > itemsMax ? longListMax : 2,
          }),
          ...(step.needs.length > 0 && { needs: step.needs }),
          ...(step.fromN !== undefined && { when: `\${params.n >= ${step.fromN}}` }),
          ...(step.continues && { onError: 'continue' }),
          ...(step.last && { finally: true }),
          ...(step.kind === 'call' && { retry: { attempts: step.attempts, backoff: '20ms', maxBackoff: '200ms' } }),
        },
      ]),
    ),
  }
}

export function expect({ steps }: Program, n: number): Expectation {
  const become = new Map<string, 'succeeded' | 'failed' | 'skipped'>()
  let status: Expectation['status'] = 'succeeded'
  for (const step of steps) {
    const lost = [...step.sees, ...step.needs].some(before => become.get(before) !== 'succeeded')
    const fails =
      step.broken || step.failures >= step.attempts || (step.runs && expect(step.runs, n).status === 'failed')
    const own = lost || (step.fromN !== undefined && n < step.fromN) ? 'skipped' : fails ? 'failed' : 'succeeded'
    become.set(step.name, own)
    if (own === 'failed' && !step.continues) status = 'failed'
  }
  return { status, steps: become }
}
