import { errorTable } from './table.ts'

export const inferenceErrors = errorTable({})
