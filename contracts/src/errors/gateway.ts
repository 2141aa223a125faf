import { errorTable } from './table.ts'

export const gatewayErrors = errorTable({
  MESHWORK_GATEWAY_UPSTREAM: {
    status: 502,
    retryable: true,
    title: 'A service behind the gateway cannot be reached',
    message:
      'Service "{service}" cannot be reached ({reason}); it may be starting. GET /readyz says how the services are.',
  },
  MESHWORK_GATEWAY_STAGE_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'No such stage behind the gateway',
    message: 'There is no stage "{stage}" behind the gateway{suggestion}; there are: {known}.',
  },
  MESHWORK_ARTEFACT_TYPE: {
    status: 400,
    retryable: false,
    title: 'Type not served',
    message: 'Artefacts are not served as "{type}"; choose one of: {types}.',
  },
})
