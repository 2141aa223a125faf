// The error table of the mesh: every code that a service can answer, in one place. docs/errors.md is generated from it.

import { aggregateErrors } from './aggregate.ts'
import { cleanErrors } from './clean.ts'
import { dataErrors } from './data.ts'
import { evaluateErrors } from './evaluate.ts'
import { featuresErrors } from './features.ts'
import { gatewayErrors } from './gateway.ts'
import { inferenceErrors } from './inference.ts'
import { ingestErrors } from './ingest.ts'
import { orchestratorErrors } from './orchestrator.ts'
import { postprocessErrors } from './postprocess.ts'
import { protocolErrors } from './protocol.ts'
import { reportErrors } from './report.ts'
import type { ErrorRow } from './table.ts'

export const errors = {
  ...protocolErrors,
  ...dataErrors,
  ...ingestErrors,
  ...cleanErrors,
  ...featuresErrors,
  ...inferenceErrors,
  ...postprocessErrors,
  ...aggregateErrors,
  ...evaluateErrors,
  ...reportErrors,
  ...orchestratorErrors,
  ...gatewayErrors,
} satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errors
export type { ErrorRow } from './table.ts'
