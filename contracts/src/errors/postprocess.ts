import { errorTable } from './table.ts'

export const postprocessErrors = errorTable({
  MESHWORK_POSTPROCESS_OPERATION: {
    status: 422,
    retryable: false,
    title: 'Operation makes no sense',
    message: '{where}: {reason}.',
  },
  MESHWORK_POSTPROCESS_NO_LABEL: {
    status: 422,
    retryable: false,
    title: 'A class number has no label',
    message:
      '{where}: column "{column}" has {rows} rows whose class number is not one of 0 to {last}, the first of them {value}.',
  },
  MESHWORK_POSTPROCESS_NOTHING_TO_FIT: {
    status: 422,
    retryable: false,
    title: 'Nothing to calibrate on',
    message:
      '{where}: there are {positive} positive and {negative} negative rows to fit on; a calibration needs some of both.',
  },
  MESHWORK_POSTPROCESS_FITTED_INVALID: {
    status: 422,
    retryable: false,
    title: 'Not a fitted calibration',
    message: '{where}: artefact {hash} does not hold a calibration for it: {reason}.',
  },
})
