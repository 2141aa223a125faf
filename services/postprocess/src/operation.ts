import { type Column, type ColumnType, MeshError, type PostprocessOperation } from '@meshwork/contracts'
import { columnMissing, ident, isNumeric } from '@meshwork/kit'

export type Kind = PostprocessOperation['operation']
export type OperationOf<K extends Kind> = Extract<PostprocessOperation, { operation: K }>

/** New columns over what is there before; several layers where one needs what another computed. */
export interface Made {
  readonly layers: readonly (readonly NamedSql[])[]
  /** The new columns, all made in the layers. */
  readonly columns: readonly Column[]
}
export interface NamedSql {
  readonly name: string
  readonly sql: string
}

/** What an operation sees: the columns there are, and a prefix that no column begins with. */
export interface Scene {
  readonly where: string
  readonly columns: readonly Column[]
  readonly prefix: string
}

export const invalid = ({ where }: Scene, reason: string): MeshError =>
  new MeshError('MESHWORK_POSTPROCESS_OPERATION', { where, reason })

export function columnOf(
  scene: Scene,
  name: string,
  expected = 'a number',
  fits: (type: ColumnType) => boolean = isNumeric,
): Column {
  const column = scene.columns.find(candidate => candidate.name === name)
  if (column === undefined) throw columnMissing(scene.where, name, scene.columns)
  if (!fits(column.type))
    throw new MeshError('MESHWORK_COLUMN_TYPE', { where: scene.where, column: name, expected, actual: column.type })
  return column
}

/** The value as a float64, with null for what is no number. */
export function score({ name, type }: Column): string {
  const value = `CAST(${ident(name)} AS DOUBLE)`
  return type.startsWith('float') ? `CASE WHEN isnan(${ident(name)}) THEN NULL ELSE ${value} END` : value
}

/** A select over `from` with everything the layers make beside its own columns. */
export const nest = (from: string, layers: Made['layers']): string =>
  layers.reduce(
    (inner, layer) =>
      `(SELECT *, ${layer.map(({ name, sql }) => `${sql} AS ${ident(name)}`).join(', ')} FROM ${inner})`,
    from,
  )
