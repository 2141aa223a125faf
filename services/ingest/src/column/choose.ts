// Which columns the dataset gets from which fields of the file, and of what type.

import { type Column, type ColumnType, MeshError } from '@meshwork/contracts'
import { columnMissing } from '@meshwork/kit'

/** A column of the file, as found. */
export interface Field {
  readonly name: string
  /** Undefined where the type is not known yet. */
  readonly type: ColumnType
}

export interface Chosen {
  readonly name: string
  readonly type: ColumnType
  /** Place of the field in the file, from 0. */
  readonly field: number
  readonly inferred: boolean
}

export interface Choice {
  readonly schema: readonly Column[] | undefined
  readonly columns: readonly string[] | undefined
  /** Whether the file itself names its fields. */
  readonly named: boolean
  readonly source: string
}

export function chooseColumns(fields: readonly Field[], choice: Choice): Chosen[] {
  const all = choice.schema
    ? declared(fields, choice.schema, choice)
    : fields.map(({ name, type }, field) => ({ name, type, field, inferred: true }))
  if (choice.columns === undefined) return all
  return choice.columns.map(name => {
    const column = all.find(candidate => candidate.name === name)
    if (!column) throw columnMissing('Parameter "columns"', name, all)
    return column
  })
}

function declared(fields: readonly Field[], schema: readonly Column[], { named, source }: Choice): Chosen[] {
  const twice = schema.find(({ name }, i) => schema.some((other, j) => j < i && same(other.name, name)))
  if (twice) throw new MeshError('MESHWORK_COLUMN_EXISTS', { where: 'The declared schema', column: twice.name })
  if (!named) {
    if (schema.length !== fields.length)
      throw new MeshError('MESHWORK_INGEST_SCHEMA_WIDTH', { declared: schema.length, found: fields.length, source })
    return schema.map((column, field) => ({ ...column, field, inferred: false }))
  }
  return schema.map(column => {
    const exact = fields.findIndex(({ name }) => name === column.name)
    const field = exact >= 0 ? exact : fields.findIndex(({ name }) => same(name, column.name))
    if (field < 0) throw columnMissing('The declared schema', column.name, fields)
    return { ...column, field, inferred: false }
  })
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
