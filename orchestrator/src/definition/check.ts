// Everything that can be wrong with a workflow document, all at once, each with its place. Pure.

import {
  closest,
  compile,
  type Diagnostic,
  type Duration,
  diagnosticsMax,
  type JsonValue,
  type Param,
  type Step,
  WorkflowDocument,
} from '@meshwork/contracts'
import { durationMs } from '../plan/duration.ts'
import { orderOf } from '../plan/order.ts'
import { needsOf, stageOf } from '../plan/plan.ts'
import { nameAmongStages, subPlanOf } from '../plan/sub-plan.ts'
import { timesOf, waitOutput, waitStage } from '../plan/wait-plan.ts'
import { paramFault } from './params.ts'
import { checkTypes, type StageContract, type TypeFinding } from '../typing/check-types.ts'
import type { ReadDocument, Within } from './read.ts'
import { expressionsOf, readTemplate, type TemplateFault } from './template.ts'

export interface KnownStage {
  readonly name: string
  readonly majors: readonly number[]
  /** By major; edges of a step whose stage has none are not checked. */
  readonly contracts?: ReadonlyMap<number, StageContract>
}

export interface CheckResult {
  /** undefined where the shape is wrong or the steps go round in a circle: then nothing further can be looked at. */
  readonly document: WorkflowDocument | undefined
  readonly diagnostics: readonly Diagnostic[]
}

const dayMs = 86_400_000
const yearMs = 365 * dayMs

/** `workflows`: whether `stages` holds the workflows that the document names (see known.ts). */
export function checkWorkflow(read: ReadDocument, stages: readonly KnownStage[], workflows = true): CheckResult {
  const found: Diagnostic[] = []
  const say: Say = (code, pointer, message, step, within) =>
    void found.push({
      severity: 'error',
      code,
      message,
      pointer,
      ...read.place(pointer, within),
      ...(step !== undefined && { step }),
    })
  for (const { pointer, detail } of compile(WorkflowDocument).check(read.value))
    say('shape', pointer, `${pointer || 'the document'} ${detail}`)
  if (found.length > 0) return { document: undefined, diagnostics: inOrder(found) }

  const document = read.value as WorkflowDocument
  for (const [name, param] of Object.entries(document.params ?? {})) checkParam(name, param, say)
  const needs = needsOf(document)
  for (const name of Object.keys(document.steps)) checkStep(document, name, stages, workflows, say)
  checkOutputs(document, say)
  if (document.timeout !== undefined) checkDuration('timeout', document.timeout, 1, 'the workflow', '', say)
  const { starts } = document.limits ?? {}
  if (starts) checkDuration('per', starts.per, 1, 'limits of the workflow', '/limits/starts', say)
  const order = orderOf(needs)
  if (order.kind === 'cycle') {
    const [first = ''] = order.names
    const told = found.some(({ code, step }) => code === 'cycle' && step === first)
    if (!told)
      say('cycle', `/steps/${first}`, `the steps depend on each other in a circle: ${order.names.join(' → ')}`, first)
  }
  found.push(...deprecations(read, document, stages))
  if (!workflows) found.push(...unknownWorkflows(read, document))
  found.push(
    ...checkTypes(document, contractsOf(document, stages)).map(finding => diagnosticOf(read, document, finding)),
  )
  return { document: order.kind === 'cycle' ? undefined : document, diagnostics: inOrder(found) }
}

/** Steps that use a contract which will go. */
function deprecations(read: ReadDocument, document: WorkflowDocument, stages: readonly KnownStage[]): Diagnostic[] {
  const contractOf = contractsOf(document, stages)
  return Object.entries(document.steps).flatMap(([name, step]): Diagnostic[] => {
    const { deprecated, sunset } = contractOf(name) ?? {}
    if (deprecated === undefined) return []
    const pointer = `/steps/${name}/stage`
    const [stage = ''] = step.stage?.split('@') ?? []
    const newest = Math.max(...(stages.find(known => known.name === stage)?.majors ?? []))
    const message = `step "${name}": ${step.stage} is deprecated since ${deprecated}${sunset === undefined ? '' : ` and may be gone from ${sunset}`}; the newest is ${stage}@${newest}`
    return [{ severity: 'warning', code: 'deprecated-major', message, pointer, ...read.place(pointer), step: name }]
  })
}

function unknownWorkflows(read: ReadDocument, { steps }: WorkflowDocument): Diagnostic[] {
  return Object.entries(steps).flatMap(([name, { workflow }]): Diagnostic[] => {
    if (workflow === undefined) return []
    const pointer = `/steps/${name}/workflow`
    const message = `step "${name}": what ${workflow} takes and gives is not checked here; only an orchestrator knows it`
    return [{ severity: 'warning', code: 'workflow-not-checked', message, pointer, ...read.place(pointer), step: name }]
  })
}

/** The contract of a step's stage, where it is known. */
export function contractsOf(document: WorkflowDocument, stages: readonly KnownStage[]) {
  const byName = new Map(stages.map(stage => [stage.name, stage]))
  return (step: string): StageContract | undefined => {
    const of = document.steps[step]
    if (of?.wait) return { input: {}, output: waitOutput(of) }
    const sub = of && subPlanOf(of)
    if (sub) return byName.get(nameAmongStages(sub.workflow))?.contracts?.get(sub.version)
    const { stage = '', major } = (of && stageOf(of)) ?? {}
    return byName.get(stage)?.contracts?.get(Number(major))
  }
}

/** A finding with its place in the text, and that of the other end. */
export function diagnosticOf(read: ReadDocument, document: WorkflowDocument, finding: TypeFinding): Diagnostic {
  const { severity, code, pointer, detail, step, within, from } = finding
  return {
    severity,
    code,
    message: detail,
    pointer,
    ...read.place(pointer, within),
    ...(step !== undefined && { step }),
    ...(from !== undefined && Object.hasOwn(document.steps, from) && { related: relatedStep(read, document, from) }),
  }
}

/** The other end of an edge: the step that the value comes from. */
function relatedStep(read: ReadDocument, document: WorkflowDocument, from: string): NonNullable<Diagnostic['related']> {
  const pointer = `/steps/${from}`
  const message = `step "${from}" of ${document.steps[from]?.stage ?? waitStage} gives it`
  return { message, pointer, ...read.place(pointer) }
}

/** Errors first when there are too many; then by place. */
export function inOrder(found: readonly Diagnostic[]): Diagnostic[] {
  const errors = found.filter(({ severity }) => severity === 'error')
  const kept = [...errors, ...found.filter(({ severity }) => severity !== 'error')].slice(0, diagnosticsMax)
  return kept.map(withSuggestion).sort((a, b) => a.line - b.line || a.column - b.column)
}

/** The name that a message proposes, for an editor that offers to put it in. */
function withSuggestion(diagnostic: Diagnostic): Diagnostic {
  const suggestion = /did you mean "([^"]+)"\?/.exec(diagnostic.message)?.[1]
  return suggestion === undefined ? diagnostic : { ...diagnostic, suggestion }
}

type Say = (code: string, pointer: string, message: string, step?: string, within?: Within) => void

function checkParam(name: string, param: Param, say: Say, at = '/params', what = 'parameter'): void {
  if (!/^(?!__proto__$)[A-Za-z_]\w{0,62}$/.test(name))
    say('param-name', `${at}/${name}`, `${what} "${name}" must be letters, digits and underscores`)
  if (param.default === undefined) return
  const fault = paramFault(param, param.default)
  if (fault !== undefined) say('param-default', `${at}/${name}/default`, `the default of ${what} "${name}" ${fault}`)
}

function checkStep(
  document: WorkflowDocument,
  name: string,
  stages: readonly KnownStage[],
  workflows: boolean,
  say: Say,
): void {
  const step = document.steps[name]
  if (!step) return
  const at = `/steps/${name}`
  if (!/^[a-z][A-Za-z0-9_]{0,62}$/.test(name))
    say(
      'step-name',
      at,
      `step "${name}" must be letters, digits and underscores, so that expressions can name it`,
      name,
    )
  checkKind(document, step, at, name, say)
  if (step.workflow !== undefined) checkSub(step, at, name, workflows ? stages : undefined, say)
  const { stage, major } = stageOf(step) ?? {}
  const known = stages.find(candidate => candidate.name === stage)
  if (stage !== undefined && !known) {
    const names = stages.map(candidate => candidate.name)
    say(
      'unknown-stage',
      `${at}/stage`,
      `step "${name}": no deployment serves stage "${stage}"${meant(stage, names)}; known are: ${names.join(', ') || 'none'}`,
      name,
    )
  } else if (known && !known.majors.includes(Number(major))) {
    say(
      'unknown-major',
      `${at}/stage`,
      `step "${name}": stage "${stage}" is served in version ${known.majors.map(each => `@${each}`).join(', ')}, not @${major}`,
      name,
    )
  }
  for (const [i, other] of (step.needs ?? []).entries())
    if (!Object.hasOwn(document.steps, other))
      say(
        'unknown-step',
        `${at}/needs/${i}`,
        `step "${name}" needs "${other}", which is not in the workflow${meant(other, Object.keys(document.steps))}`,
        name,
      )
  checkDurations(step, at, name, say)
  checkTemplate(document, step.with ?? {}, `${at}/with`, `step "${name}"`, say, name)
  if (step.when !== undefined) checkTemplate(document, step.when, `${at}/when`, `step "${name}"`, say, name)
  if (step.forEach !== undefined) checkTemplate(document, step.forEach, `${at}/forEach`, `step "${name}"`, say, name)
  if (step.concurrency !== undefined && step.forEach === undefined)
    say(
      'concurrency-alone',
      `${at}/concurrency`,
      `step "${name}": concurrency says how many items are called at one time; it needs forEach`,
      name,
    )
  if (step.fallback !== undefined) checkTemplate(document, step.fallback, `${at}/fallback`, `step "${name}"`, say, name)
  if ((step.onError === 'fallback') !== (step.fallback !== undefined))
    say(
      'fallback-alone',
      step.fallback === undefined ? `${at}/onError` : `${at}/fallback`,
      `step "${name}": onError: fallback and fallback, which stands for the output, need each other`,
      name,
    )
  checkLast(document, name, say)
}

const ofCalls = ['forEach', 'retry', 'timeout', 'concurrency', 'cache'] as const

/** A step calls a stage, runs a workflow or waits. */
function checkKind(document: WorkflowDocument, step: Step, at: string, name: string, say: Say): void {
  const { wait } = step
  const kinds = (['stage', 'wait', 'workflow'] as const).filter(key => step[key] !== undefined)
  if (kinds.length !== 1)
    say(
      'step-kind',
      at,
      `step "${name}" must have one of stage, wait and workflow; it has ${kinds.join(' and ') || 'none'}`,
      name,
    )
  if (!wait) return
  for (const key of ['with', ...ofCalls] as const)
    if (step[key] !== undefined)
      say('wait-calls-nothing', `${at}/${key}`, `step "${name}" waits, and calls nothing that ${key} could be of`, name)
  for (const { key, time } of timesOf(step)) {
    const ms = durationMs(time)
    if (ms < 1 || ms > yearMs)
      say(
        'duration',
        `${at}/${key}`,
        `step "${name}": ${key.split('/').at(-1)} is ${time}; it must be from 1ms to 365d`,
        name,
      )
  }
  for (const [input, param] of Object.entries(wait.approval?.inputs ?? wait.signal?.inputs ?? {}))
    checkParam(input, param, say, `${at}/wait/${wait.approval ? 'approval' : 'signal'}/inputs`, 'input')
  if (wait.until !== undefined) checkTemplate(document, wait.until, `${at}/wait/until`, `step "${name}"`, say, name)
  if (wait.approval?.message !== undefined)
    checkTemplate(document, wait.approval.message, `${at}/wait/approval/message`, `step "${name}"`, say, name)
}

/** Away from an orchestrator no workflow is known. */
function checkSub(step: Step, at: string, name: string, stages: readonly KnownStage[] | undefined, say: Say): void {
  for (const key of ofCalls)
    if (step[key] !== undefined)
      say(
        'workflow-has-its-own',
        `${at}/${key}`,
        `step "${name}" runs a workflow, whose steps have ${key} of their own`,
        name,
      )
  const { workflow = '', version = 0 } = subPlanOf(step) ?? {}
  if (!stages) return
  const known = stages.find(stage => stage.name === nameAmongStages(workflow))
  if (!known) {
    const names = stages.flatMap(stage =>
      stage.name.startsWith(nameAmongStages('')) ? [stage.name.slice(nameAmongStages('').length)] : [],
    )
    const detail = `step "${name}": there is no workflow "${workflow}"${meant(workflow, names)}; register it first`
    say('unknown-workflow', `${at}/workflow`, detail, name)
  } else if (!known.majors.includes(version)) {
    const versions = known.majors.map(each => `@${each}`).join(', ')
    const detail = `step "${name}": workflow "${workflow}" has no version ${version}; it has ${versions}`
    say('unknown-workflow', `${at}/workflow`, detail, name)
  }
}

/** What comes after all others cannot come before one of them. */
function checkLast(document: WorkflowDocument, name: string, say: Say): void {
  if (document.steps[name]?.finally) return
  const last = (needsOf(document).get(name) ?? []).find(other => document.steps[other]?.finally)
  if (last !== undefined)
    say(
      'needs-finally',
      `/steps/${name}`,
      `step "${name}" needs "${last}", which runs after all others (finally: true); make "${name}" a finally step too`,
      name,
    )
}

/** Timers hold no more than a day well, and a call without time can only fail. */
function checkDurations({ timeout, retry = {}, cache }: Step, at: string, name: string, say: Say): void {
  const where = `step "${name}"`
  const durations = [
    ['timeout', timeout, 1],
    ['retry/backoff', retry.backoff, 0],
    ['retry/maxBackoff', retry.maxBackoff, 0],
  ] as const
  for (const [key, duration, leastMs] of durations) {
    if (duration === undefined) continue
    checkDuration(key, duration, leastMs, where, at, say, name)
  }
  const maxAge = typeof cache === 'object' ? cache.maxAge : undefined
  const ageMs = maxAge === undefined ? 1 : durationMs(maxAge)
  if (ageMs < 1 || ageMs > yearMs)
    say('duration', `${at}/cache/maxAge`, `${where}: maxAge is ${maxAge}; it must be from 1ms to 365d`, name)
}

function checkDuration(
  key: string,
  duration: Duration,
  leastMs: number,
  where: string,
  at: string,
  say: Say,
  step?: string,
): void {
  const ms = durationMs(duration)
  const wrong = ms < leastMs ? 'at least 1ms' : ms > dayMs ? 'at most 24h' : undefined
  if (wrong) say('duration', `${at}/${key}`, `${where}: ${key} is ${duration}; it must be ${wrong}`, step)
}

function checkOutputs(document: WorkflowDocument, say: Say): void {
  checkTemplate(document, document.outputs ?? {}, '/outputs', 'outputs', say)
}

/** Names alone: what they refer to is checked with the types. */
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
  for (const fault of faults) say(fault.code, fault.pointer, `${where}: ${fault.detail}`, self)
  for (const { expression, pointer: at } of expressionsOf(template, pointer))
    for (const [root, key] of expression.reads) {
      if (key === undefined || (root !== 'steps' && root !== 'params')) continue
      const text = `${where}: "\${${expression.source}}"`
      const within = { text: expression.source, offset: Math.max(0, expression.source.indexOf(`${root}.${key}`)) }
      const known = root === 'steps' ? document.steps : (document.params ?? {})
      if (Object.hasOwn(known, key)) {
        if (root === 'steps' && key === self) say('cycle', at, `${text} refers to the step itself`, self, within)
        continue
      }
      const names = Object.keys(known)
      const fact =
        root === 'steps'
          ? `step "${key}", which is not in the workflow${meant(key, names)}; its steps are: ${shown(names)}`
          : `parameter "${key}", which is not declared${meant(key, names)}`
      say(root === 'steps' ? 'unknown-step' : 'unknown-param', at, `${text} refers to ${fact}`, self, within)
    }
}

const shown = (names: readonly string[]): string => names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '')

function meant(name: string, candidates: readonly string[]): string {
  const near = closest(name, candidates)
  return near === undefined || near === name ? '' : `; did you mean "${near}"?`
}
