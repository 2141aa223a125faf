// One plan of a stage: the body against the contract, then what the stage itself finds, all at once.

import {
  type ArtefactRef,
  type Column,
  compile,
  type DatasetPlan,
  type DatasetRef,
  MeshError,
  type PlanFinding,
  planFindingsMax,
  ProblemError,
  type StagePlan,
} from '@meshwork/contracts'
import type { TSchema } from 'typebox'
import type { PlanContext, Stage, StageContext } from '../stage/define.ts'
import { planTables } from './plan-tables.ts'
import { isUnknown, ownFaults, type StandIns, standIns } from './stand-ins.ts'

export async function planStage(
  stage: Stage,
  body: unknown,
  context: StageContext,
  scratchRoot: string,
): Promise<StagePlan> {
  if (!stage.plan) throw new MeshError('MESHWORK_STAGE_PLAN_UNSUPPORTED', { stage: stage.name })
  const faults = contractFindings(stage.input, body)
  if (faults.length > 0) return { datasets: {}, findings: faults }
  const stood = standIns(body)
  const findings: PlanFinding[] = []
  const found = await stage.plan(stood.input, planContext(context, stood, findings, scratchRoot))
  const datasets = Object.entries(found).filter((entry): entry is [string, DatasetPlan] => entry[1] !== undefined)
  return { datasets: Object.fromEntries(datasets), findings: findings.slice(0, planFindingsMax) }
}

/** What of the body of a plan does not fit the contract, whatever its unknown values will be. */
export function contractFindings(input: TSchema, body: unknown): PlanFinding[] {
  const { checked, unknown } = standIns(body)
  return ownFaults(compile(input).check(checked), unknown)
    .slice(0, planFindingsMax)
    .map(({ pointer, detail }) => ({
      severity: 'error',
      pointer,
      code: 'MESHWORK_REQUEST_INVALID',
      detail: `${pointer.slice(1) || 'The input'} ${detail}`,
    }))
}

function planContext(
  context: StageContext,
  stood: StandIns,
  findings: PlanFinding[],
  scratchRoot: string,
): PlanContext {
  const isOpen = (dataset: Pick<DatasetRef, 'columns'>) => stood.open.has(dataset)
  const note = (severity: PlanFinding['severity'], pointer: string, code: string, detail: string) =>
    void findings.push({ severity, pointer, code, detail: detail.slice(0, 2000) })
  const told = new Set<object>()
  const fault: PlanContext['fault'] = (pointer, error, over) => {
    if (over === undefined || !isOpen(over) || error.code !== 'MESHWORK_COLUMN_MISSING')
      return note('error', pointer, error.code, error.message)
    if (over.columns.length > 0)
      return note('warning', pointer, error.code, `${error.message} There may be further columns; a run shows it.`)
    // Of a dataset of which nothing is known, nothing more than that can be said, and once is enough.
    if (told.has(over)) return
    told.add(over)
    const unknown = new MeshError('MESHWORK_STAGE_COLUMNS_UNKNOWN')
    note('warning', pointer, unknown.code, unknown.message)
  }
  const warn: PlanContext['warn'] = (pointer, error) => note('warning', pointer, error.code, error.message)
  const at: PlanContext['at'] = async (pointer, over, work) => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      fault(pointer, error, over)
      return undefined
    }
  }
  const openDataset = (columns: readonly Column[]): DatasetPlan => {
    const dataset: DatasetPlan = { kind: 'dataset', columns: [...columns], open: true }
    stood.open.add(dataset)
    return dataset
  }
  const tables = planTables(scratchRoot)
  return {
    signal: context.signal,
    log: context.log,
    store: context.store,
    tables,
    fault,
    warn,
    at,
    knows: knowsAll,
    isOpen,
    exists: (ref: DatasetRef | ArtefactRef) => !stood.unmade.has(ref),
    dataset: (columns, ...from) =>
      from.some(isOpen) ? openDataset(columns) : { kind: 'dataset', columns: [...columns] },
    openDataset,
  }
}

function knowsAll(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true
  return !isUnknown(value) && Object.values(value).every(knowsAll)
}
