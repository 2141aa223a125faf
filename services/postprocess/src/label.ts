import { type Column, MeshError } from '@meshwork/contracts'
import { ident, isInteger, type Tables, text } from '@meshwork/kit'
import { columnOf, type Made, type OperationOf, type Scene } from './operation.ts'

/** The label of a class number. `from` gives all rows, to refuse numbers that have no label. */
export async function label(
  scene: Scene,
  { column, as, labels }: OperationOf<'label'>,
  tables: Tables,
  from: (columns: readonly string[]) => string,
): Promise<Made> {
  const { source, columns } = labelColumn(scene, { column, as })
  const number = source.type === 'boolean' ? `CAST(${ident(column)} AS INTEGER)` : ident(column)
  const stranger = `${number} < 0 OR ${number} >= ${labels.length}`
  const [row] = await tables.query(
    `SELECT count(*) AS rows, first(CAST(${number} AS VARCHAR)) AS value FROM ${from([column])} WHERE ${stranger}`,
  )
  const rows = Number(row?.['rows'])
  if (rows > 0)
    throw new MeshError('MESHWORK_POSTPROCESS_NO_LABEL', {
      where: scene.where,
      column,
      rows,
      last: labels.length - 1,
      value: String(row?.['value']),
    })
  const sql = `[${labels.map(text).join(', ')}][CAST(${number} AS BIGINT) + 1]`
  return { layers: [[{ name: as, sql }]], columns }
}

/** The column that is read and the one that is made. */
export function labelColumn(scene: Scene, { column, as }: Pick<OperationOf<'label'>, 'column' | 'as'>) {
  const source = columnOf(scene, column, 'an integer or boolean', type => isInteger(type) || type === 'boolean')
  const columns: Column[] = [{ name: as, type: 'string' }]
  return { source, columns }
}
