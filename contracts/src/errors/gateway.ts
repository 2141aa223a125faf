import { errorTable } from './table.ts'

export const gatewayErrors = errorTable({})
