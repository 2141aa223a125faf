import { errorTable } from './table.ts'

export const ingestErrors = errorTable({})
