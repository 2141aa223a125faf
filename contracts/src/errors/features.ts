import { errorTable } from './table.ts'

export const featuresErrors = errorTable({})
