import { errorTable } from './table.ts'

export const postprocessErrors = errorTable({})
