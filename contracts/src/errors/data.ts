import { errorTable } from './table.ts'

/** Artefact store, datasets and expressions: shared by all stages. */
export const dataErrors = errorTable({
  MESHWORK_ARTEFACT_MISSING: {
    status: 404,
    retryable: false,
    title: 'Artefact not in the store',
    message: 'Artefact {hash} is not in the store; upload it again or run the step that made it.',
  },
  MESHWORK_ARTEFACT_CORRUPT: {
    status: 500,
    retryable: false,
    title: 'Artefact does not match its hash',
    message: 'The file of artefact {hash} has the hash {actual}; it was damaged on disk. Delete it and make it again.',
  },
  MESHWORK_ARTEFACT_WRONG_HASH: {
    status: 422,
    retryable: false,
    title: 'Content does not match the announced hash',
    message: 'The content has the hash {actual}, but {expected} was announced.',
  },
  MESHWORK_STORE_FULL: {
    status: 507,
    retryable: true,
    title: 'The artefact store is full',
    message: 'There is no space left for {folder} ({reason}); free space there and try again.',
  },
  MESHWORK_STORE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    title: 'The artefact store cannot be used',
    message: 'The artefact store answered: {reason}.',
  },
  MESHWORK_DATASET_INVALID: {
    status: 422,
    retryable: false,
    title: 'Not a dataset',
    message: 'Artefact {hash} is not a dataset manifest: {reason}.',
  },
  MESHWORK_DATASET_COLUMNS: {
    status: 422,
    retryable: false,
    title: 'Too many columns',
    message: 'The table has {columns} columns; a dataset has at most {max}. Select the columns you need.',
  },
  MESHWORK_COLUMN_MISSING: {
    status: 422,
    retryable: false,
    title: 'Column not in the dataset',
    message:
      '{where} names column "{column}", which the dataset does not have{suggestion}; its columns are: {columns}.',
  },
  MESHWORK_COLUMN_TYPE: {
    status: 422,
    retryable: false,
    title: 'Column has the wrong type',
    message:
      '{where} needs column "{column}" to be {expected}, but it is {actual}; cast it first (clean: rule "cast").',
  },
  MESHWORK_COLUMN_EXISTS: {
    status: 422,
    retryable: false,
    title: 'Column exists already',
    message: '{where} makes column "{column}", which the dataset has already; choose another name.',
  },
  MESHWORK_COLUMN_UNSUPPORTED: {
    status: 422,
    retryable: false,
    title: 'Type not supported in a dataset',
    message: 'Column "{column}" has type {type}, which a dataset cannot hold; cast it to one of: {types}.',
  },
  MESHWORK_STAGE_QUERY_MEMORY: {
    status: 507,
    retryable: false,
    title: 'The query needs more memory than it may use',
    message: 'The query ran out of its memory even with spilling to disk ({reason}); give the stage more memory.',
  },
  MESHWORK_EXPRESSION_INVALID: {
    status: 422,
    retryable: false,
    title: 'Expression refused',
    message: '{where}: expression "{expression}" is refused: {reason}.',
  },
  MESHWORK_EXPRESSION_FAILED: {
    status: 422,
    retryable: false,
    title: 'Expression failed on the data',
    message: '{where}: {reason}.',
  },
})
