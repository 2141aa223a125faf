import { errorTable } from './table.ts'

export const aggregateErrors = errorTable({
  MESHWORK_AGGREGATE_NAME_TWICE: {
    status: 422,
    retryable: false,
    title: 'Two columns of the result have one name',
    message: '{first} and {second} both make column "{column}"; names must differ by more than case.',
  },
  MESHWORK_AGGREGATE_MEASURE: {
    status: 422,
    retryable: false,
    title: 'Measure is not complete',
    message: 'Measure "{measure}" ({kind}): {reason}.',
  },
  MESHWORK_AGGREGATE_OVERFLOW: {
    status: 422,
    retryable: false,
    title: 'A sum is too large',
    message:
      'A sum does not fit the type of its column ({reason}); sum a float instead, for example with CAST(x AS DOUBLE).',
  },
})
