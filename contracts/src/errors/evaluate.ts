import { errorTable } from './table.ts'

export const evaluateErrors = errorTable({})
