// A step that runs another workflow. It has no stage.

import type { Step, WorkflowDocument } from '@meshwork/contracts'

export interface SubPlan {
  readonly workflow: string
  readonly version: number
}

/** Stands for the stage of a step that has none. */
export const subStage = 'workflow'

export function subPlanOf({ workflow: written }: Step): SubPlan | undefined {
  const [workflow, version] = written?.split('@') ?? []
  return workflow === undefined ? undefined : { workflow, version: Number(version) }
}

/** Workflows that the steps of a document run, each once. */
export function subPlansOf(value: unknown): SubPlan[] {
  const steps = Object.values((value as Partial<WorkflowDocument> | null)?.steps ?? {})
  const written = steps.map(step => (step as Step | null)?.workflow)
  return [...new Set(written)].flatMap(workflow =>
    typeof workflow === 'string' && /^[a-z][a-z0-9-]{0,62}@[1-9][0-9]{0,8}$/.test(workflow)
      ? [subPlanOf({ workflow }) as SubPlan]
      : [],
  )
}

/** The name under which a workflow stands among the stages, where it is looked up as what a step calls. */
export const nameAmongStages = (workflow: string): string => `workflow ${workflow}`
