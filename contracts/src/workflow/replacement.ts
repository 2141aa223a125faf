// What a new version of a stage would break, before it takes the place of the one that is running.

import Type, { type Static } from 'typebox'
import { SemanticVersion, StageName } from '../protocol/stage.ts'
import { Closed, Nullable } from '../schema.ts'
import { Diagnostic, diagnosticsMax } from './diagnostic.ts'
import { WorkflowName } from './document.ts'

export const ReplacementCheck = Closed(
  {
    stage: StageName,
    version: SemanticVersion,
    replaces: Nullable(Type.String({ description: 'Version that is running; null where none is.' })),
    safe: Type.Boolean({ description: 'No registered workflow would break.' }),
    contract: Type.Array(
      Closed({
        rule: Type.String({ examples: ['input-property-required'] }),
        where: Type.String({ examples: ['clean@1 input /rules'] }),
        detail: Type.String(),
      }),
      { maxItems: 500, description: 'What the new contracts do not keep of the old ones, whether it is used or not.' },
    ),
    checked: Type.Integer({ minimum: 0, description: 'Workflows that use the stage, the newest version of each.' }),
    breaks: Type.Array(
      Closed({
        workflow: WorkflowName,
        version: Type.Integer({ minimum: 1 }),
        diagnostics: Type.Array(Diagnostic, {
          maxItems: diagnosticsMax,
          description: 'Errors that the workflow has with the new version and has not with the one that is running.',
        }),
      }),
      { maxItems: 1000 },
    ),
  },
  { title: 'ReplacementCheck' },
)
export type ReplacementCheck = Static<typeof ReplacementCheck>
