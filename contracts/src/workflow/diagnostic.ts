// What is wrong with a workflow, or may be: the same from registering, from POST /v1/workflows:validate and from the
// command line.

import Type, { type Static } from 'typebox'
import { Closed, OneOf } from '../schema.ts'

const Line = Type.Integer({ minimum: 1, description: 'Line in the text that was sent, from 1.' })
const ColumnNumber = Type.Integer({ minimum: 1, description: 'Column in UTF-16 units, from 1.' })

export const diagnosticsMax = 100

export const Diagnostic = Closed(
  {
    severity: OneOf(['error', 'warning'], {
      description: 'error: a run would fail, so the workflow is refused. warning: it cannot be told before a run.',
    }),
    code: Type.String({
      maxLength: 100,
      description: 'Kind of fault, stable; in capitals where a stage found it (see the error reference).',
      examples: ['unknown-step', 'edge-mismatch', 'MESHWORK_COLUMN_MISSING'],
    }),
    message: Type.String({ description: 'What is wrong, and the way out.' }),
    pointer: Type.String({ description: 'JSON pointer into the document.', examples: ['/steps/clean/with/rules/0'] }),
    line: Line,
    column: ColumnNumber,
    step: Type.Optional(Type.String({ description: 'Step it belongs to.' })),
    suggestion: Type.Optional(Type.String({ description: 'What was perhaps meant.', examples: ['steps.clean.rows'] })),
    related: Type.Optional(
      Closed(
        { message: Type.String(), pointer: Type.String(), line: Line, column: ColumnNumber },
        { description: 'The other end: where the value comes from.' },
      ),
    ),
  },
  { title: 'Diagnostic' },
)
export type Diagnostic = Static<typeof Diagnostic>

export const Validation = Closed(
  {
    valid: Type.Boolean({ description: 'No errors; it can be registered. There may be warnings.' }),
    name: Type.Optional(Type.String({ description: 'Name of the workflow, where the document has one.' })),
    columns: OneOf(['checked', 'partly', 'not-checked'], {
      description:
        'Whether columns were carried through: not-checked when there are errors before that, partly when a stage has no plan or could not be asked.',
    }),
    diagnostics: Type.Array(Diagnostic, { maxItems: diagnosticsMax, description: 'By place in the document.' }),
  },
  { title: 'Validation' },
)
export type Validation = Static<typeof Validation>
