import { errorTable } from './table.ts'

export const reportErrors = errorTable({})
