import { errorTable } from './table.ts'

export const inferenceErrors = errorTable({
  MESHWORK_INFERENCE_MODEL_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'Model not in the repository',
    message: 'Model "{model}" is not in the model repository{suggestion}; it has: {models}.',
  },
  MESHWORK_INFERENCE_VERSION_UNKNOWN: {
    status: 404,
    retryable: false,
    title: 'Version of the model not in the repository',
    message: 'Model "{model}" has no version {version}; its versions are: {versions}.',
  },
  MESHWORK_INFERENCE_MANIFEST_INVALID: {
    status: 500,
    retryable: false,
    title: 'Manifest of the model is broken',
    message: 'The manifest of model "{model}" version {version} cannot be used: {reason}.',
  },
  MESHWORK_INFERENCE_MODEL_CORRUPT: {
    status: 500,
    retryable: false,
    title: 'Model file does not match its manifest',
    message:
      'The file of model "{model}" version {version} has the SHA-256 {actual}, but its manifest says {expected}; publish the version again.',
  },
  MESHWORK_INFERENCE_MODEL_UNREADABLE: {
    status: 500,
    retryable: false,
    title: 'Model file cannot be loaded',
    message:
      'The file of model "{model}" version {version} cannot be loaded by ONNX Runtime: {reason}. Export it again as one ONNX file.',
  },
  MESHWORK_INFERENCE_MODEL_UNSUPPORTED: {
    status: 422,
    retryable: false,
    title: 'Model has inputs or outputs that cannot be columns',
    message: 'Model "{model}" version {version} cannot be run on a dataset: {reason}.',
  },
  MESHWORK_INFERENCE_SIGNATURE: {
    status: 500,
    retryable: false,
    title: 'Model and manifest disagree',
    message: 'The manifest of model "{model}" version {version} does not describe its file: {reason}.',
  },
  MESHWORK_INFERENCE_INPUTS: {
    status: 422,
    retryable: false,
    title: 'Columns do not fill the inputs of the model',
    message: 'The inputs of model "{model}" version {version} are not filled: {reason}.',
  },
  MESHWORK_INFERENCE_OUTPUTS: {
    status: 422,
    retryable: false,
    title: 'Outputs asked for that the model does not have',
    message: 'The outputs of model "{model}" version {version} do not give the columns asked for: {reason}.',
  },
  MESHWORK_INFERENCE_NULLS: {
    status: 422,
    retryable: false,
    title: 'Nulls in an input of the model',
    message:
      'Column "{column}" feeds input "{input}" and has {count} nulls; fill or drop them (clean: "fillNulls", "dropNulls"){wayOut}.',
  },
  MESHWORK_INFERENCE_RUN_FAILED: {
    status: 422,
    retryable: false,
    title: 'Model failed on the data',
    message: 'Model "{model}" version {version} failed on a batch of {rows} rows: {reason}.',
  },
  MESHWORK_INFERENCE_BATCH_MISMATCH: {
    status: 422,
    retryable: false,
    title: 'Model answers another number of rows than it was sent',
    message:
      'Output "{output}" of model "{model}" version {version} has the shape [{shape}] for a batch of {rows} rows; its first dimension must be the batch and the rest {expected}.',
  },
  MESHWORK_INFERENCE_WORKER_DIED: {
    status: 503,
    retryable: true,
    title: 'What ran the model died',
    message:
      'The thread or process that ran model "{model}" version {version} ended: {reason}. Another takes its place; try again.',
  },
  MESHWORK_INFERENCE_RUN_TOO_LONG: {
    status: 504,
    retryable: true,
    title: 'The model did not come to an end',
    message:
      'Model "{model}" version {version} did not answer within {timeoutMs} ms, and its process was ended; send less at a time, or set process.runMsMax in its manifest.',
  },
  MESHWORK_INFERENCE_NOT_READY: {
    status: 503,
    retryable: true,
    title: 'Model does not answer now',
    message: 'Model "{model}" does not answer now: {reason}.',
  },
  MESHWORK_INFERENCE_RECORD_COLUMNS: {
    status: 422,
    retryable: false,
    title: 'Columns of the records are not known',
    message:
      'Nobody says which columns the records for model "{model}" version {version} have; give "columns" with the request, or "records" in the manifest of the model.',
  },
  MESHWORK_RECORD_INVALID: {
    status: 422,
    retryable: false,
    title: 'Record does not fit its columns',
    message: 'Record {record} (from 0) does not fit: {reason}.',
  },
})
