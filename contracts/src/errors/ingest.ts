import { errorTable } from './table.ts'

export const ingestErrors = errorTable({
  MESHWORK_INGEST_TYPES_GUESSED: {
    status: 422,
    retryable: false,
    title: 'Types are guessed from the first records',
    message:
      '{source} has no declared schema, so its types are those of its first records and later ones may change them; declare "schema" to be sure. Only a plan says this.',
  },
  MESHWORK_INGEST_EMPTY: {
    status: 422,
    retryable: false,
    title: 'Nothing to ingest',
    message: '{source} has no content; send a file with at least a header.',
  },
  MESHWORK_INGEST_FORMAT: {
    status: 422,
    retryable: false,
    title: 'Not a format that can be read',
    message: '{source} is not CSV, JSON, NDJSON or Parquet: {reason}.',
  },
  MESHWORK_INGEST_ENCODING: {
    status: 422,
    retryable: false,
    title: 'Text in another encoding',
    message: '{source} is not {encoding}: {reason}. Declare "encoding" as one of: {encodings}.',
  },
  MESHWORK_INGEST_COMPRESSION: {
    status: 422,
    retryable: false,
    title: 'Compressed content is damaged',
    message: '{source} cannot be decompressed as {compression}: {reason}.',
  },
  MESHWORK_INGEST_UNREADABLE: {
    status: 422,
    retryable: false,
    title: 'The file is damaged',
    message: '{source} cannot be read as {format}: {reason}.',
  },
  MESHWORK_INGEST_RECORD_SIZE: {
    status: 422,
    retryable: false,
    title: 'A record is over the limit',
    message:
      'The record of {source} that begins at byte {offset} is longer than {limitBytes} bytes, the limit of a record.',
  },
  MESHWORK_INGEST_QUOTE: {
    status: 422,
    retryable: false,
    title: 'A quote is not closed',
    message:
      'A quote opens in record {record} of {source} and is not closed where it should be, so that the records after it cannot be told apart; correct it, or declare csv.quote.',
  },
  MESHWORK_INGEST_JSON_SHAPE: {
    status: 422,
    retryable: false,
    title: 'JSON of another shape',
    message: '{source} is JSON, but {reason}; send an array of objects, or one object per line (ndjson).',
  },
  MESHWORK_INGEST_HEADER: {
    status: 422,
    retryable: false,
    title: 'No usable first record',
    message: '{source}: {reason}.',
  },
  MESHWORK_INGEST_SCHEMA_WIDTH: {
    status: 422,
    retryable: false,
    title: 'The declared schema does not fit the file',
    message:
      'The schema declares {declared} columns, but the records of {source} have {found} and no names to find them by; declare every column in order, or csv.header: true.',
  },
  MESHWORK_INGEST_OPTION: {
    status: 422,
    retryable: false,
    title: 'Option cannot be used',
    message: '{option}: {reason}.',
  },
  MESHWORK_INGEST_REJECTS: {
    status: 422,
    retryable: false,
    title: 'Too many records do not parse',
    message: '{count} of the records of {source} do not parse, over maxRejects {bound}. The first: {first}.',
  },
  MESHWORK_INGEST_TOO_LARGE: {
    status: 413,
    retryable: false,
    title: 'The source is over the limit',
    message: '{source} is larger than {limitBytes} bytes, the limit of {setting}.',
  },
  MESHWORK_INGEST_URL_INVALID: {
    status: 422,
    retryable: false,
    title: 'Not a URL to fetch',
    message: 'URL "{url}" cannot be fetched: {reason}.',
  },
  MESHWORK_INGEST_URL_REFUSED: {
    status: 422,
    retryable: false,
    title: 'Address not allowed',
    message:
      '{url} leads to {address}, which is not a public address; upload the file with PUT /v1/datasets, or have the operator set MESHWORK_INGEST_ALLOW_PRIVATE=1.',
  },
  MESHWORK_INGEST_URL_REDIRECT: {
    status: 422,
    retryable: false,
    title: 'Redirects are not followed',
    message: '{url} answered {status} and leads elsewhere ({location}); give the final URL.',
  },
  MESHWORK_INGEST_URL_STATUS: {
    status: 422,
    retryable: false,
    title: 'The URL gave no file',
    message: '{url} answered {status}; check the URL and its access rights.',
  },
  MESHWORK_INGEST_URL_UNAVAILABLE: {
    status: 502,
    retryable: true,
    title: 'The URL cannot be reached now',
    message: '{url} cannot be fetched now: {reason}.',
  },
  MESHWORK_INGEST_URL_TIMEOUT: {
    status: 504,
    retryable: true,
    title: 'The URL took too long',
    message: '{url} did not answer in full within {timeoutMs} ms.',
  },
})
