// The request and response headers of stage protocol v1. Names are compared without case; these are their lower-case forms.

export const headers = {
  /** W3C trace context. */
  traceparent: 'traceparent',
  /** The same over all attempts of one step of one run; another after a rerun. At most 256 characters. */
  idempotencyKey: 'idempotency-key',
  /** Milliseconds left for the work, as a whole number. The stage stops when they are spent. */
  timeout: 'meshwork-timeout',
  /** Which run, step and attempt the work is for; they stand in the stage's log lines. */
  runId: 'meshwork-run',
  step: 'meshwork-step',
  attempt: 'meshwork-attempt',
  /** Response: version of the stage that did the work, and hashes of canonical JSON of the request and answer bodies. */
  stageVersion: 'meshwork-stage-version',
  inputHash: 'meshwork-input-hash',
  outputHash: 'meshwork-output-hash',
  requestId: 'x-request-id',
} as const

export const idempotencyKeyMaxLength = 256
/** Longest time that a caller may give: one day. */
export const timeoutMsMax = 86_400_000
