// The items of a step with forEach, while they are called. What is to be begun next and when all is done is told from
// counts that are kept up to date, so that a list of any length costs each answer the same.

import type { JsonValue } from '@meshwork/contracts'
import { MeshError } from '@meshwork/contracts'
import type { PlanStep } from '../plan/plan.ts'
import { itemName } from './item-name.ts'
import { hashOf, type ItemInputs } from './input.ts'
import { cancelled, type Change, failed } from './settle.ts'
import { hasOutput, isSettled, pendingStep, type StepState } from './state.ts'

const outputBytesMax = 16_777_216

export interface Due {
  readonly indexes: readonly number[]
  /** When another becomes due if nothing happens, in milliseconds since 1970. */
  readonly wakeAt: number | undefined
}

export class Items {
  readonly step: PlanStep
  readonly list: readonly JsonValue[]
  readonly inputs: readonly JsonValue[]
  readonly #states: StepState[]
  readonly #running = new Set<number>()
  readonly #retrying = new Map<number, number>()
  #next = 0
  #done = 0
  #failed: StepState | undefined
  #ended = false

  /**
   * `stateOf` gives what is recorded of an item. Of an earlier generation nothing counts; of a step that is begun again only
   * outputs do, and where it goes on (`goesOn`: another walk had begun it) failures too.
   */
  constructor(
    step: PlanStep,
    generation: number,
    { list, inputs }: Pick<Extract<ItemInputs, { kind: 'items' }>, 'list' | 'inputs'>,
    stateOf: (name: string) => StepState | undefined,
    goesOn: boolean,
  ) {
    this.step = step
    this.list = list
    this.inputs = inputs
    this.#states = inputs.map((_, index) => {
      const name = itemName(step.name, index)
      const known = stateOf(name)
      const keeps = ({ status }: StepState) => status === 'retrying' || (goesOn && status !== 'pending')
      const counts = known?.generation === generation && (hasOutput(known) || keeps(known))
      return counts ? known : pendingStep(name, generation)
    })
    for (const [index, state] of this.#states.entries()) this.#count(index, state)
  }

  get running(): number {
    return this.#running.size
  }

  /** Items that are called just now. */
  get calling(): Iterable<number> {
    return this.#running
  }

  get done(): number {
    return this.#done
  }

  /** No item is called any more: the step is over, or one of them has failed for good. */
  get over(): boolean {
    return this.#ended || this.#failed !== undefined
  }

  /** Nothing is left to be called or awaited. */
  get settled(): boolean {
    return this.#running.size === 0 && (this.over || this.#done === this.inputs.length)
  }

  /** Nothing is begun from here on. */
  end(): void {
    this.#ended = true
  }

  stateOf(index: number): StepState {
    return this.#states[index] as StepState
  }

  set(index: number, state: StepState): void {
    const before = this.stateOf(index)
    this.#running.delete(index)
    this.#retrying.delete(index)
    if (hasOutput(before)) this.#done--
    this.#states[index] = state
    this.#count(index, state)
    // An attempt that was not recorded is begun again.
    if (state.status === 'pending') this.#next = Math.min(this.#next, index)
  }

  /** Items to be begun now, those that are tried again first. */
  due(now: number): Due {
    if (this.over) return { indexes: [], wakeAt: undefined }
    const room = (this.step.each?.concurrency ?? 1) - this.#running.size
    const indexes: number[] = []
    let wakeAt: number | undefined
    for (const [index, at] of this.#retrying) {
      if (indexes.length < room && at <= now) indexes.push(index)
      else if (at > now) wakeAt = Math.min(wakeAt ?? at, at)
    }
    for (; this.#next < this.inputs.length && indexes.length < room; this.#next++)
      if (this.stateOf(this.#next).status === 'pending') indexes.push(this.#next)
    return { indexes, wakeAt }
  }

  /** How the step ends, and with it what still waited. Only when it is settled. */
  close(before: StepState, now: number): Change[] {
    const left = [...this.#retrying.keys()].map(index => cancelled(this.stateOf(index), now))
    if (this.#failed) return [...left, failed(before, problemOf(before.name, this.#failed), now)]
    if (this.#done < this.inputs.length) return [...left, cancelled(before, now)]
    return [gathered(before, this.#states, now)]
  }

  #count(index: number, state: StepState): void {
    if (hasOutput(state)) this.#done++
    else if (state.status === 'running') this.#running.add(index)
    else if (state.status === 'retrying') this.#retrying.set(index, state.nextAt ?? 0)
    else if (state.status === 'failed') this.#failed ??= state
    else if (isSettled(state)) this.#ended = true
  }
}

/** The step is begun: its items are to be called. */
export function itemsBegun(before: StepState, items: number, inputHash: string, now: number): Change {
  const attempt = before.attempts + 1
  const startedAt = before.startedAt ?? now
  return {
    state: { ...before, status: 'running', attempts: attempt, nextAt: null, items, inputHash, startedAt },
    events: [{ type: 'step.started', step: before.name, attempt, data: { inputHash, items } }],
  }
}

/** Every item has its output. */
export function gathered(before: StepState, items: readonly StepState[], now: number): Change {
  const outputs = items.map(({ output }) => output)
  const bytes = Buffer.byteLength(JSON.stringify(outputs))
  if (bytes > outputBytesMax) {
    const facts = { where: `The output of step "${before.name}"`, bytes, limitBytes: outputBytesMax }
    return failed(before, new MeshError('MESHWORK_VALUE_TOO_LARGE', facts).toProblem(), now)
  }
  const seconds = (now - (before.startedAt ?? now)) / 1000
  const rows = items.some(item => item.rows === null) ? null : items.reduce((sum, item) => sum + (item.rows ?? 0), 0)
  const outputHash = hashOf(['forEach', ...items.map(item => item.outputHash)])
  const version = items[0]?.version ?? null
  const { inputHash, name, attempts: attempt } = before
  const data = { seconds, rows, outputHash, inputHash, version, items: items.length }
  return {
    state: {
      ...before,
      status: 'succeeded',
      version,
      rows,
      seconds,
      output: { items: outputs },
      outputHash,
      problem: null,
      endedAt: now,
    },
    events: [{ type: 'step.succeeded', step: name, attempt, data }],
  }
}

function problemOf(step: string, item: StepState) {
  const { problem } = item
  if (!problem) throw new Error(`${item.name} failed without a problem`)
  return {
    ...problem,
    detail: `${item.name.replace(`${step}[`, 'item ').replace(']', '')} of step "${step}": ${problem.detail}`,
  }
}
