import { errorTable } from './table.ts'

export const evaluateErrors = errorTable({
  MESHWORK_EVALUATE_REQUEST: {
    status: 422,
    retryable: false,
    title: 'What to judge is not clear',
    message: 'The evaluation cannot be made: {reason}.',
  },
  MESHWORK_EVALUATE_LABELS: {
    status: 422,
    retryable: false,
    title: 'The labels cannot be judged',
    message: 'The labels cannot be judged: {reason}.',
  },
  MESHWORK_EVALUATE_SCORE_RANGE: {
    status: 422,
    retryable: false,
    title: 'A score is not a probability',
    message:
      '{rows} rows have a score outside 0 to 1 (smallest {smallest}, largest {largest}); a score must be a probability, for example 1 / (1 + exp(-margin)).',
  },
  MESHWORK_EVALUATE_GATE: {
    status: 422,
    retryable: false,
    title: 'The model is below its bounds',
    message: '{broken} of {checked} gates are broken: {gates}. The whole evaluation is artefact {hash}.',
  },
})
