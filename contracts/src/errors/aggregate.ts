import { errorTable } from './table.ts'

export const aggregateErrors = errorTable({})
