import { errorTable } from './table.ts'

export const reportErrors = errorTable({
  MESHWORK_REPORT_SECTION: {
    status: 422,
    retryable: false,
    title: 'A section cannot be shown',
    message: 'Section "{section}": {reason}.',
  },
  MESHWORK_REPORT_EVALUATION: {
    status: 422,
    retryable: false,
    title: 'Not an evaluation',
    message:
      'Section "{section}": artefact {hash} is not an evaluation ({reason}); give the answer of an evaluate step.',
  },
  MESHWORK_REPORT_DRIFT: {
    status: 422,
    retryable: false,
    title: 'Not a report of drift',
    message:
      'Section "{section}": artefact {hash} is not a report of drift ({reason}); give driftReport of an inference step.',
  },
  MESHWORK_REPORT_TOO_LARGE: {
    status: 422,
    retryable: false,
    title: 'The report would be too large to read',
    message:
      'The tables of the report have {cells} cells together, over the {max} of one page; lower "limit", name fewer "columns", or give the data as an export.',
  },
})
