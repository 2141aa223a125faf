// What differs between two runs. Pure.

import { canonicalJson, type JsonValue, type RunComparison, type RunView, type StepView } from '@meshwork/contracts'

export interface Compared {
  readonly run: RunView
  readonly steps: readonly StepView[]
}

type Difference = RunComparison['params'][number]
type StepComparison = RunComparison['steps'][number]

export function compareRuns(left: Compared, right: Compared): RunComparison {
  const steps = compareSteps(left.steps, right.steps)
  const params = differences(left.run.params, right.run.params)
  const outputs = differences(left.run.outputs ?? {}, right.run.outputs ?? {})
  const sameWorkflow = left.run.workflow === right.run.workflow && left.run.version === right.run.version
  return {
    left: left.run,
    right: right.run,
    same:
      sameWorkflow &&
      left.run.status === right.run.status &&
      params.length === 0 &&
      outputs.length === 0 &&
      steps.every(({ differs }) => differs.length === 0),
    workflow: { same: sameWorkflow, left: nameOf(left.run), right: nameOf(right.run) },
    seconds: { left: secondsOf(left.run), right: secondsOf(right.run) },
    params,
    steps,
    outputs,
    firstDifference: steps.find(({ differs }) => differs.length > 0)?.name ?? null,
  }
}

function compareSteps(left: readonly StepView[], right: readonly StepView[]): StepComparison[] {
  const others = new Map(right.map(step => [step.name, step]))
  const names = new Set(left.map(({ name }) => name))
  return [
    ...left.map(step => compareStep(step.name, step, others.get(step.name))),
    ...right.filter(({ name }) => !names.has(name)).map(step => compareStep(step.name, undefined, step)),
  ]
}

function compareStep(name: string, left: StepView | undefined, right: StepView | undefined): StepComparison {
  return { name, differs: differing(left, right), left: sideOf(left), right: sideOf(right) }
}

function differing(left: StepView | undefined, right: StepView | undefined): StepComparison['differs'] {
  if (!left || !right) return ['presence']
  const differs: StepComparison['differs'] = []
  // That an output was reused and not made anew is no difference between what the runs came to.
  const ended = ({ status }: StepView) => (status === 'reused' ? 'succeeded' : status)
  if (ended(left) !== ended(right)) differs.push('status')
  if (left.stage !== right.stage || left.version !== right.version) differs.push('version')
  if (left.inputHash !== right.inputHash) differs.push('input')
  if (left.outputHash !== right.outputHash) differs.push('output')
  return differs
}

const sideOf = (step: StepView | undefined): StepComparison['left'] =>
  step
    ? {
        status: step.status,
        stage: step.stage,
        version: step.version,
        attempts: step.attempts,
        rows: step.rows,
        seconds: step.seconds,
        inputHash: step.inputHash,
        outputHash: step.outputHash,
      }
    : null

function differences(left: Record<string, JsonValue>, right: Record<string, JsonValue>): Difference[] {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()
  return names
    .filter(name => textOf(left, name) !== textOf(right, name))
    .map(name => ({ name, left: left[name] ?? null, right: right[name] ?? null }))
}

const textOf = (values: Record<string, JsonValue>, name: string): string | undefined =>
  Object.hasOwn(values, name) ? canonicalJson(values[name]) : undefined

const nameOf = ({ workflow, version }: RunView): string => `${workflow}@${version}`

const secondsOf = ({ startedAt, endedAt }: RunView): number | null =>
  startedAt === null || endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
