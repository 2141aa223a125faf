import { errorTable } from './table.ts'

export const featuresErrors = errorTable({
  MESHWORK_FEATURES_INPUT: {
    status: 422,
    retryable: false,
    title: 'Features asked for in no or two ways',
    message:
      '{reason}; give "columns" (fit, then transform), or "fit" with an "artefact" (transform as it says; "fitted" in contract 1).',
  },
  MESHWORK_FEATURES_SPEC: {
    status: 422,
    retryable: false,
    title: 'Feature makes no sense',
    message: '{where}: {reason}.',
  },
  MESHWORK_FEATURES_FITTED_INVALID: {
    status: 422,
    retryable: false,
    title: 'Not fitted features',
    message:
      'Artefact {hash} does not hold fitted features: {reason}; give the artefact that a call of this stage answered as "fitted".',
  },
  MESHWORK_FEATURES_NOTHING_TO_FIT: {
    status: 422,
    retryable: false,
    title: 'No rows to fit on',
    message:
      'None of the {rows} rows fulfils the condition "{where}" on what to fit on, so nothing can be fitted; change the condition.',
  },
  MESHWORK_FEATURES_NO_VALUES: {
    status: 422,
    retryable: false,
    title: 'No values to fit on',
    message:
      '{where}: {what} has no finite value in the {rows} rows it is fitted on; leave the feature out or fill it.',
  },
  MESHWORK_FEATURES_CATEGORIES: {
    status: 422,
    retryable: false,
    title: 'Too many categories',
    message:
      '{where}: column "{column}" has more than {max} categories; raise maxCategories, use oneHot of the most frequent, or group the values first.',
  },
  MESHWORK_FEATURES_EARLIER_ROWS: {
    status: 422,
    retryable: false,
    title: 'Feature over earlier rows',
    message:
      '{where} looks at earlier rows, which records that come alone do not have; run a workflow over a dataset instead.',
  },
})
