// What a run of a workflow would do, before it is started.

import Type, { type Static } from 'typebox'
import { DatasetPlan } from '../protocol/plan.ts'
import { Closed, Json, MapOf, Nullable, OneOf } from '../schema.ts'
import { Diagnostic, diagnosticsMax } from './diagnostic.ts'
import { StepName, WorkflowName, workflowStepsMax } from './document.ts'

/** Body of `POST /v1/workflows:plan`. */
export const PlanDocument = Closed(
  {
    source: Type.String({ maxLength: 262_144, description: 'The workflow document, YAML or JSON.' }),
    params: Type.Optional(
      MapOf(Json, { maxProperties: 256, description: 'Parameters as for a run. What is not given is unknown.' }),
    ),
  },
  { title: 'PlanDocument' },
)
export type PlanDocument = Static<typeof PlanDocument>

/** Body of `POST /v1/workflows/{name}/plan`. */
export const PlanStart = Closed(
  {
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: the newest.' })),
    params: Type.Optional(MapOf(Json, { maxProperties: 256, description: 'Parameters as for a run.' })),
  },
  { title: 'PlanStart', examples: [{ params: {} }] },
)
export type PlanStart = Static<typeof PlanStart>

export const StepPlan = Closed(
  {
    name: StepName,
    stage: Type.String({ examples: ['clean@1'] }),
    version: Nullable(Type.String({ description: 'Version of the deployment that would be called.' })),
    url: Nullable(Type.String({ description: 'Address of that deployment.' })),
    level: Type.Integer({ minimum: 0, description: 'Steps of one level can run side by side.' }),
    needs: Type.Array(StepName, { maxItems: workflowStepsMax }),
    when: Type.Optional(Type.String({ description: 'Its condition.' })),
    forEach: Type.Optional(Json),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, description: 'With forEach: items that are called at one time at the most.' }),
    ),
    onError: Type.Optional(
      OneOf(['continue', 'fallback'], {
        description: 'When it fails. continue: the run goes on without it; fallback: with what stands for its output.',
      }),
    ),
    finally: Type.Optional(Type.Boolean({ description: 'It comes after all others.' })),
    datasets: MapOf(DatasetPlan, {
      maxProperties: 64,
      description: 'JSON pointer into the answer, and the dataset that would stand there, as far as it is known.',
    }),
    cache: Closed({
      reuse: OneOf(['yes', 'no', 'unknown'], {
        description: 'Whether a run with `cache` would take a recorded output instead of calling the stage.',
      }),
      reason: Type.String({ examples: ['the same input gave the same output before'] }),
      run: Nullable(Type.String({ description: 'Run that the output would come from.' })),
    }),
  },
  { title: 'StepPlan' },
)
export type StepPlan = Static<typeof StepPlan>

export const EdgePlan = Closed(
  {
    from: Type.String({ description: 'Step that gives the value.' }),
    to: Type.String({ description: 'Step that takes it.' }),
    reference: Type.String({ examples: ['steps.clean.dataset'] }),
    pointer: Type.String({ description: 'Where it stands in the input of the step.', examples: ['/dataset'] }),
    type: Type.String({ description: 'Its type in a few words.', examples: ['DatasetRef'] }),
    columns: Nullable(Type.Integer({ minimum: 0, description: 'Columns of a dataset, where they are known.' })),
  },
  { title: 'EdgePlan' },
)
export type EdgePlan = Static<typeof EdgePlan>

export const WorkflowPlan = Closed(
  {
    workflow: WorkflowName,
    version: Nullable(Type.Integer({ minimum: 1, description: 'null for a document that is not registered.' })),
    steps: Type.Array(StepPlan, { maxItems: workflowStepsMax, description: 'In order.' }),
    edges: Type.Array(EdgePlan, { maxItems: 20_000 }),
    parallel: Type.Integer({ minimum: 1, description: 'Most steps that can run side by side.' }),
    diagnostics: Type.Array(Diagnostic, { maxItems: diagnosticsMax }),
    mermaid: Type.String({ description: 'The DAG as a Mermaid flowchart.' }),
  },
  { title: 'WorkflowPlan' },
)
export type WorkflowPlan = Static<typeof WorkflowPlan>
