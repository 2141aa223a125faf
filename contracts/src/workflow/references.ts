// What the orchestrator's database refers to in the artefact store, for whoever clears the store.

import Type, { type Static } from 'typebox'
import { Closed, Nullable, Sha256 } from '../schema.ts'

export const ReferencesPage = Closed(
  {
    hashes: Type.Array(Sha256, { description: 'Every hash that is named, whatever it is.' }),
    datasets: Type.Array(Sha256, { description: 'Those of them that are datasets, whose manifests name more.' }),
    next: Nullable(Type.String({ maxLength: 256, description: 'Cursor of the next page; null: this was the last.' })),
  },
  { title: 'References' },
)
export type ReferencesPage = Static<typeof ReferencesPage>

export const SweepView = Closed(
  {
    dryRun: Type.Boolean(),
    keepSeconds: Nullable(
      Type.Integer({ minimum: 1, description: 'For how long what nothing refers to is kept; null: for ever.' }),
    ),
    artefacts: Type.Integer({ minimum: 0, description: 'Files that were removed, or would be.' }),
    bytes: Type.Integer({ minimum: 0, description: 'Their size.' }),
    records: Type.Integer({ minimum: 0, description: 'Results by idempotency key, as old as that.' }),
  },
  {
    title: 'Sweep',
    examples: [{ dryRun: true, keepSeconds: 604_800, artefacts: 1240, bytes: 8_230_112_004, records: 3190 }],
  },
)
export type SweepView = Static<typeof SweepView>
