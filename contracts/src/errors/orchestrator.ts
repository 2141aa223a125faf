import { errorTable } from './table.ts'

export const orchestratorErrors = errorTable({
  MESHWORK_WORKFLOW_UNREADABLE: {
    status: 400,
    retryable: false,
    title: 'The workflow document cannot be read',
    message: 'The workflow document cannot be read as {format}: {problems}.',
  },
  MESHWORK_WORKFLOW_INVALID: {
    status: 422,
    retryable: false,
    title: 'The workflow document is wrong',
    message: 'The workflow has {count}: {problems}.',
  },
  MESHWORK_WORKFLOW_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such workflow',
    message: 'Workflow "{workflow}" is not registered{suggestion}; register it with POST /v1/workflows.',
  },
  MESHWORK_WORKFLOW_VERSION_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such version of the workflow',
    message: 'Workflow "{workflow}" has no version {version}; its newest is {newest}.',
  },
  MESHWORK_RUN_UNKNOWN: { status: 404, retryable: false, title: 'No such run', message: 'There is no run {run}.' },
  MESHWORK_STEP_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such step',
    message: 'Run {run} has no step "{step}"{suggestion}; its steps are: {steps}.',
  },
  MESHWORK_RUN_NOT_ENDED: {
    status: 409,
    retryable: true,
    title: 'The run has not ended',
    message: 'Run {run} is {status}; its outputs are there when it has succeeded. Wait with GET /v1/runs/{run}/events.',
  },
  MESHWORK_RUN_WITHOUT_OUTPUTS: {
    status: 409,
    retryable: false,
    title: 'The run has no outputs',
    message: 'Run {run} {status}, so it has no outputs; GET /v1/runs/{run} has its problem.',
  },
  MESHWORK_RUN_PARAMS: {
    status: 422,
    retryable: false,
    title: 'The parameters do not fit the workflow',
    message: 'The parameters do not fit workflow "{workflow}": {problems}.',
  },
  MESHWORK_RUN_KEY_REUSED: {
    status: 422,
    retryable: false,
    title: 'Idempotency key used with another body',
    message: 'Idempotency-Key "{key}" started run {run} with a different body; use a new key for a different run.',
  },
  MESHWORK_RUN_KEY_IN_FLIGHT: {
    status: 409,
    retryable: true,
    title: 'A request with the idempotency key is in progress',
    message: 'A request with Idempotency-Key "{key}" is being accepted at this moment; send it again to get its run.',
  },
  MESHWORK_RUN_STATE: {
    status: 409,
    retryable: false,
    title: 'The state of the run does not allow it',
    message: 'Run {run} {fact}, so it cannot be {verb}; {way}.',
  },
  MESHWORK_WAIT_EXPIRED: {
    status: 504,
    retryable: false,
    title: 'Nobody answered in time',
    message:
      'Step "{step}" waited for its {what} until its time was over; onError says what comes of that, and a retry of the run asks again.',
  },
  MESHWORK_APPROVAL_REJECTED: {
    status: 409,
    retryable: false,
    title: 'Rejected',
    message: 'Step "{step}" was rejected by {by}, {reason}. A retry of the run asks again.',
  },
  MESHWORK_SUBRUN_CANCELLED: {
    status: 409,
    retryable: false,
    title: 'The run of the step was cancelled',
    message: 'Run {run} of workflow "{workflow}", which step "{step}" started, was cancelled. A retry goes on with it.',
  },
  MESHWORK_WAIT_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such wait',
    message: 'Run {run} has no step "{step}" that waits for {what}; {known}.',
  },
  MESHWORK_WAIT_ANSWERED: {
    status: 409,
    retryable: false,
    title: 'Answered already',
    message: 'Step "{step}" of run {run} was answered already: {how}. What was said first counts.',
  },
  MESHWORK_WAIT_CLOSED: {
    status: 409,
    retryable: false,
    title: 'The step does not wait',
    message: 'Step "{step}" of run {run} does not wait for an answer {when}: it is {status}.',
  },
  MESHWORK_WAIT_INPUTS: {
    status: 422,
    retryable: false,
    title: 'The answer does not fit the step',
    message: 'The inputs for step "{step}" are wrong: {problems}.',
  },
  MESHWORK_WEBHOOK_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such webhook',
    message: 'There is no webhook "{webhook}"; make it with PUT /v1/webhooks/{webhook}.',
  },
  MESHWORK_WEBHOOK_INVALID: {
    status: 422,
    retryable: false,
    title: 'The webhook is wrong',
    message: 'The webhook cannot be kept: {reason}.',
  },
  MESHWORK_SCHEDULE_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such schedule',
    message: 'There is no schedule "{schedule}"; make it with PUT /v1/schedules/{schedule}.',
  },
  MESHWORK_SCHEDULE_INVALID: {
    status: 422,
    retryable: false,
    title: 'The schedule is wrong',
    message: 'The schedule cannot be kept: {reason}.',
  },
  MESHWORK_BACKFILL_TOO_LONG: {
    status: 422,
    retryable: false,
    title: 'The range has too many fires',
    message: 'The range has more than {limit} fires; divide it.',
  },
  MESHWORK_BULK_CHOICE: {
    status: 422,
    retryable: false,
    title: 'Which runs?',
    message: 'The request names {given}; give either "ids" or "workflow".',
  },
  MESHWORK_VALUE_TOO_LARGE: {
    status: 413,
    retryable: false,
    title: 'An inline value is over the limit',
    message:
      '{where} has {bytes} bytes inline, over the limit of {limitBytes}. Upload it (PUT /v1/datasets or PUT /v1/artefacts) and pass the reference.',
  },
  MESHWORK_RUN_TIMEOUT: {
    status: 504,
    retryable: false,
    title: 'The run took longer than it may',
    message:
      'Run {run} was not done within {seconds} s of being queued, the timeout of workflow "{workflow}"; what was running was ended. Retry it to go on with the steps that have no output.',
  },
  MESHWORK_STEP_INPUT: {
    status: 422,
    retryable: false,
    title: 'The input of the step cannot be made',
    message: 'The input of step "{step}" cannot be made: {reason}.',
  },
  MESHWORK_STEP_ANSWER_INVALID: {
    status: 502,
    retryable: true,
    title: 'The stage answered what its contract does not allow',
    message: 'Step "{step}": stage "{stage}" at {url} answered what its contract does not allow: {problems}.',
  },
  MESHWORK_STEP_TIMEOUT: {
    status: 504,
    retryable: true,
    title: 'The step took too long',
    message:
      'Step "{step}": stage "{stage}" at {url} did not answer within {timeoutMs} ms; raise the timeout of the step.',
  },
  MESHWORK_STAGE_LIMIT_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'The stage has no limit',
    message: 'Stage "{stage}" may be called without a limit; set one with PUT /v1/stages/{stage}/limit.',
  },
  MESHWORK_STAGE_UNKNOWN: {
    status: 422,
    retryable: false,
    title: 'No deployment of the stage',
    message: 'No deployment serves stage "{stage}"{suggestion}; known are: {known}. Register one with POST /v1/stages.',
  },
  MESHWORK_STAGE_UNREACHABLE: {
    status: 503,
    retryable: true,
    title: 'The stage cannot be reached',
    message: 'Stage "{stage}" at {url} cannot be reached: {reason}. Is it running?',
  },
  MESHWORK_STAGE_NOT_ONE: {
    status: 422,
    retryable: false,
    title: 'The address is not a stage',
    message: '{url} is not a stage of protocol v1: {reason}.',
  },
  MESHWORK_DATABASE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    title: 'The database cannot be used',
    message: 'The database of the orchestrator answered: {reason}. What was acknowledged is kept; try again.',
  },
  MESHWORK_EVENTS_TOO_MANY: {
    status: 503,
    retryable: true,
    title: 'Too many readers of events',
    message: 'There are {count} open event streams, the limit; close one or read pages with Accept: application/json.',
  },
})
