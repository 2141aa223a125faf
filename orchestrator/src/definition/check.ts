// Everything that can be wrong with a workflow document, all at once, each with its place. Pure.

import {
  closest,
  compile,
  type JsonValue,
  type Param,
  type ProblemItem,
  type Step,
  WorkflowDocument,
} from '@meshwork/contracts'
import { durationMs } from '../plan/duration.ts'
import { orderOf } from '../plan/order.ts'
import { needsOf } from '../plan/plan.ts'
import { paramFault } from './params.ts'
import type { ReadDocument } from './read.ts'
import { expressionsOf, readTemplate, type TemplateFault } from './template.ts'

export interface KnownStage {
  readonly name: string
  readonly majors: readonly number[]
}

export type CheckResult =
  | { readonly kind: 'right'; readonly document: WorkflowDocument }
  | { readonly kind: 'wrong'; readonly items: readonly ProblemItem[] }

const itemsMax = 100
const roots = ['params', 'steps', 'run']
const dayMs = 86_400_000

export function checkWorkflow(read: ReadDocument, stages: readonly KnownStage[]): CheckResult {
  const items: ProblemItem[] = []
  const say = (code: string, pointer: string, detail: string) => {
    const { line, column } = read.place(pointer)
    items.push({ pointer, code, detail: `line ${line}, column ${column}: ${detail}`, line, column })
  }
  for (const { pointer, detail } of compile(WorkflowDocument).check(read.value))
    say('shape', pointer, `${pointer || 'the document'} ${detail}`)
  if (items.length > 0) return { kind: 'wrong', items }

  const document = read.value as WorkflowDocument
  for (const [name, param] of Object.entries(document.params ?? {})) checkParam(name, param, say)
  const needs = needsOf(document)
  for (const name of Object.keys(document.steps)) checkStep(document, name, stages, say)
  checkOutputs(document, say)
  const order = orderOf(needs)
  if (order.kind === 'cycle') {
    const [first = ''] = order.names
    say('cycle', `/steps/${first}`, `the steps depend on each other in a circle: ${order.names.join(' → ')}`)
  }
  return items.length > 0 ? { kind: 'wrong', items: items.slice(0, itemsMax) } : { kind: 'right', document }
}

type Say = (code: string, pointer: string, detail: string) => void

function checkParam(name: string, param: Param, say: Say): void {
  if (!/^(?!__proto__$)[A-Za-z_]\w{0,62}$/.test(name))
    say('param-name', `/params/${name}`, `parameter "${name}" must be letters, digits and underscores`)
  if (param.default === undefined) return
  const fault = paramFault(param, param.default)
  if (fault !== undefined)
    say('param-default', `/params/${name}/default`, `the default of parameter "${name}" ${fault}`)
}

function checkStep(document: WorkflowDocument, name: string, stages: readonly KnownStage[], say: Say): void {
  const step = document.steps[name]
  if (!step) return
  const at = `/steps/${name}`
  if (!/^[a-z][A-Za-z0-9_]{0,62}$/.test(name))
    say('step-name', at, `step "${name}" must be letters, digits and underscores, so that expressions can name it`)
  const [stage = '', major] = step.stage.split('@')
  const known = stages.find(candidate => candidate.name === stage)
  if (!known) {
    const names = stages.map(candidate => candidate.name)
    say(
      'unknown-stage',
      `${at}/stage`,
      `step "${name}": no deployment serves stage "${stage}"${meant(stage, names)}; known are: ${names.join(', ') || 'none'}`,
    )
  } else if (!known.majors.includes(Number(major))) {
    say(
      'unknown-major',
      `${at}/stage`,
      `step "${name}": stage "${stage}" is served in version ${known.majors.map(each => `@${each}`).join(', ')}, not @${major}`,
    )
  }
  for (const [i, other] of (step.needs ?? []).entries())
    if (!Object.hasOwn(document.steps, other))
      say(
        'unknown-step',
        `${at}/needs/${i}`,
        `step "${name}" needs "${other}", which is not in the workflow${meant(other, Object.keys(document.steps))}`,
      )
  checkDurations(step, at, `step "${name}"`, say)
  checkTemplate(document, step.with ?? {}, `${at}/with`, `step "${name}"`, say, name)
}

/** Timers hold no more than a day well, and a call without time can only fail. */
function checkDurations({ timeout, retry = {} }: Step, at: string, where: string, say: Say): void {
  const durations = [
    ['timeout', timeout, 1],
    ['retry/backoff', retry.backoff, 0],
    ['retry/maxBackoff', retry.maxBackoff, 0],
  ] as const
  for (const [key, duration, leastMs] of durations) {
    if (duration === undefined) continue
    const ms = durationMs(duration)
    if (ms < leastMs) say('duration', `${at}/${key}`, `${where}: ${key} is ${duration}; it must be at least 1ms`)
    if (ms > dayMs) say('duration', `${at}/${key}`, `${where}: ${key} is ${duration}; it must be at most 24h`)
  }
}

function checkOutputs(document: WorkflowDocument, say: Say): void {
  checkTemplate(document, document.outputs ?? {}, '/outputs', 'outputs', say)
}

function checkTemplate(
  document: WorkflowDocument,
  value: JsonValue,
  pointer: string,
  where: string,
  say: Say,
  self?: string,
): void {
  const faults: TemplateFault[] = []
  const template = readTemplate(value, pointer, faults)
  for (const fault of faults) say(fault.code, fault.pointer, `${where}: ${fault.detail}`)
  const steps = Object.keys(document.steps)
  const params = Object.keys(document.params ?? {})
  for (const { expression, pointer: at } of expressionsOf(template, pointer))
    for (const [root = '', key] of expression.reads) {
      const text = `"\${${expression.source}}"`
      if (!roots.includes(root)) {
        if (expression.path !== undefined)
          say(
            'unknown-name',
            at,
            `${where}: ${text} starts with "${root}"${meant(root, roots)}; references start with params, steps or run`,
          )
      } else if (root === 'steps' && key !== undefined && !steps.includes(key))
        say(
          'unknown-step',
          at,
          `${where}: ${text} refers to step "${key}", which is not in the workflow${meant(key, steps)}; its steps are: ${steps.join(', ')}`,
        )
      else if (root === 'steps' && key === self && self !== undefined)
        say('cycle', at, `${where}: ${text} refers to the step itself`)
      else if (root === 'params' && key !== undefined && !params.includes(key))
        say(
          'unknown-param',
          at,
          `${where}: ${text} refers to parameter "${key}", which is not declared${meant(key, params)}`,
        )
    }
}

function meant(name: string, candidates: readonly string[]): string {
  const near = closest(name, candidates)
  return near === undefined || near === name ? '' : `; did you mean "${near}"?`
}
