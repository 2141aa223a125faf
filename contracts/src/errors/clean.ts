import { errorTable } from './table.ts'

export const cleanErrors = errorTable({
  MESHWORK_CLEAN_RULE_INVALID: {
    status: 422,
    retryable: false,
    title: 'Rule makes no sense',
    message: '{where}: {reason}.',
  },
  MESHWORK_CLEAN_FILL_VALUE: {
    status: 422,
    retryable: false,
    title: 'Fill value does not fit the column',
    message:
      '{where}: the value {value} is no {type}, which column "{column}" holds; give another value or cast first.',
  },
  MESHWORK_CLEAN_NO_VALUES: {
    status: 422,
    retryable: false,
    title: 'Column has no values to take a statistic of',
    message:
      '{where}: column "{column}" has only nulls, so it has no {statistic}; fill it with a constant or drop the column.',
  },
  MESHWORK_CLEAN_CAST_FAILED: {
    status: 422,
    retryable: false,
    title: 'Values cannot be cast',
    message:
      '{where}: {count} values of column "{column}" ({from}) cannot be cast to {to}, first: {values}; use onError "null" or correct them first.',
  },
})
