import { errorTable } from './table.ts'

export const orchestratorErrors = errorTable({})
