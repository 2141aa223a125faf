import { errorTable } from './table.ts'

export const cleanErrors = errorTable({})
