import { errorTable } from './table.ts'

/** What any service of the mesh can answer. */
export const protocolErrors = errorTable({
  MESHWORK_STAGE_COLUMNS_UNKNOWN: {
    status: 422,
    retryable: false,
    title: 'The columns of a dataset are not known before the run',
    message:
      'The columns of this dataset are not known before the run, so what names them is not checked; declare "schema" where it is ingested, or plan with the parameters of the run. Only a plan says this.',
  },
  MESHWORK_REQUEST_INVALID: {
    status: 400,
    retryable: false,
    title: 'The request does not fit its contract',
    message: '{what} does not fit the contract: {problems}.',
  },
  MESHWORK_REQUEST_NOT_JSON: {
    status: 400,
    retryable: false,
    title: 'The body is not JSON',
    message: 'The body cannot be read as JSON: {reason}.',
  },
  MESHWORK_REQUEST_TOO_LARGE: {
    status: 413,
    retryable: false,
    title: 'The body is over the limit',
    message:
      'The body is larger than {limitBytes} bytes. Data travels by reference: upload it with PUT /v1/datasets and send the reference.',
  },
  MESHWORK_REQUEST_MEDIA_TYPE: {
    status: 415,
    retryable: false,
    title: 'Media type not supported',
    message: 'Media type "{mediaType}" is not supported here; send {supported}.',
  },
  MESHWORK_REQUEST_TIMEOUT: {
    status: 408,
    retryable: true,
    title: 'The request took too long to arrive',
    message: 'The request was not complete in time: its headers have {headersMs} ms, all of it {requestMs} ms.',
  },
  MESHWORK_ROUTE_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such route',
    message: '{method} {path} is not a route of this service; GET /openapi.json lists them.',
  },
  MESHWORK_INTERNAL: {
    status: 500,
    retryable: true,
    title: 'Internal error',
    message: 'The service failed in a way it did not foresee. Its log has the details under request id {requestId}.',
  },
  MESHWORK_NOT_READY: {
    status: 503,
    retryable: true,
    title: 'Not ready',
    message: '{service} is {state} and takes no work; try again in {seconds} s.',
  },
  MESHWORK_STAGE_BUSY: {
    status: 503,
    retryable: true,
    title: 'The stage is at its limit',
    message:
      'Stage "{stage}" has {running} runs in progress and {waiting} waiting, its limit; try again in {seconds} s.',
  },
  MESHWORK_STAGE_DEADLINE: {
    status: 504,
    retryable: true,
    title: 'The time given for the work is spent',
    message: 'Stage "{stage}" did not finish within the {timeoutMs} ms it was given; raise the timeout of the step.',
  },
  MESHWORK_STAGE_CANCELLED: {
    status: 499,
    retryable: true,
    title: 'The caller went away',
    message: 'The work was stopped because every caller that waited for it had disconnected.',
  },
  MESHWORK_STAGE_KEY_REUSED: {
    status: 422,
    retryable: false,
    title: 'Idempotency key used with another body',
    message: 'Idempotency-Key "{key}" was used before with a different body; use a new key for different work.',
  },
  MESHWORK_STAGE_TIMEOUT_INVALID: {
    status: 400,
    retryable: false,
    title: 'Meshwork-Timeout is not a number of milliseconds',
    message: 'Header Meshwork-Timeout is "{value}"; it must be a whole number of milliseconds from 1 to {max}.',
  },
  MESHWORK_STAGE_CRASHED: {
    status: 500,
    retryable: true,
    title: 'The process that did the work died',
    message: 'The worker process of stage "{stage}" ended with {how} before it answered.',
  },
  MESHWORK_STAGE_MEMORY: {
    status: 507,
    retryable: false,
    title: 'The work needs more memory than it may use',
    message:
      'The work used {usedBytes} bytes of memory, over the limit of {limitBytes}, and was stopped; give the stage more memory or simplify the expression.',
  },
  MESHWORK_STAGE_OUTPUT_INVALID: {
    status: 500,
    retryable: false,
    title: 'The stage broke its own contract',
    message: 'The answer of stage "{stage}" does not fit its output contract: {problems}.',
  },
  MESHWORK_STAGE_PLAN_UNSUPPORTED: {
    status: 501,
    retryable: false,
    title: 'The stage cannot plan',
    message: 'Stage "{stage}" does not implement planning; GET /v1/stage says what it can do.',
  },
})
