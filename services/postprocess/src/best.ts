// The largest of several scores. Ties go to the column that is named first.

import type { Column } from '@meshwork/contracts'
import { duckType, text } from '@meshwork/kit'
import { columnOf, invalid, type Made, type NamedSql, type OperationOf, type Scene, score } from './operation.ts'

export function argmax(scene: Scene, { columns, as, labels, scoreAs }: OperationOf<'argmax'>): Made {
  const { scores, names, type } = choices(scene, columns, labels)
  const best = `${scene.prefix}best`
  const cases = scores.map(({ name }, i) => `WHEN ${name} = ${best} THEN ${text(names[i] as string)}`)
  const made: NamedSql[] = [{ name: as, sql: `CASE ${cases.join(' ')} ELSE NULL END` }]
  const made2: Column[] = [{ name: as, type: 'string' }]
  if (scoreAs !== undefined) {
    made.push({ name: scoreAs, sql: `CAST(${best} AS ${duckType(type)})` })
    made2.push({ name: scoreAs, type })
  }
  const greatest = { name: best, sql: `greatest(${scores.map(({ name }) => name).join(', ')})` }
  return { layers: [scores, [greatest], made], columns: made2 }
}

export function topK(scene: Scene, { columns, k, as, labels }: OperationOf<'topK'>): Made {
  const { scores, names, type } = choices(scene, columns, labels)
  if (k > columns.length) throw invalid(scene, `there are only ${columns.length} columns to take the best ${k} of`)
  const ranked = `${scene.prefix}ranked`
  const pairs = scores.map(({ name }, i) => `{'s': -${name}, 'i': ${i + 1}}`)
  const sql = `list_sort(list_filter([${pairs.join(', ')}], lambda pair: pair.s IS NOT NULL))`
  const labelList = `[${names.map(text).join(', ')}]`
  const places = Array.from({ length: k }, (_, i) => i + 1)
  return {
    layers: [
      scores,
      [{ name: ranked, sql }],
      places.flatMap(place => [
        { name: `${as}_${place}`, sql: `${labelList}[${ranked}[${place}].i]` },
        { name: `${as}_${place}_score`, sql: `CAST(-${ranked}[${place}].s AS ${duckType(type)})` },
      ]),
    ],
    columns: places.flatMap((place): Column[] => [
      { name: `${as}_${place}`, type: 'string' },
      { name: `${as}_${place}_score`, type },
    ]),
  }
}

function choices(scene: Scene, columns: readonly string[], labels: readonly string[] | undefined) {
  const sources = columns.map(name => columnOf(scene, name))
  if (labels !== undefined && labels.length !== columns.length)
    throw invalid(scene, `there are ${columns.length} columns but ${labels.length} labels`)
  return {
    scores: sources.map((column, i) => ({ name: `${scene.prefix}s${i}`, sql: score(column) })),
    names: labels ?? columns,
    type: sources.every(({ type }) => type === 'float32') ? ('float32' as const) : ('float64' as const),
  }
}
