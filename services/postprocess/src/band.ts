import { literal, text } from '@meshwork/kit'
import { columnOf, invalid, type Made, type OperationOf, type Scene, score } from './operation.ts'

/** The label of the band that a score falls in. */
export function threshold(scene: Scene, { column, as, thresholds, labels }: OperationOf<'threshold'>): Made {
  const source = columnOf(scene, column)
  if (labels.length !== thresholds.length + 1)
    throw invalid(
      scene,
      `${thresholds.length} thresholds make ${thresholds.length + 1} bands, but there are ${labels.length} labels`,
    )
  const fall = thresholds.findIndex((value, i) => i > 0 && value <= (thresholds[i - 1] as number))
  if (fall > 0)
    throw invalid(scene, `thresholds must ascend, but ${thresholds[fall]} comes after ${thresholds[fall - 1]}`)
  const value = `${scene.prefix}value`
  const bands = thresholds.map(
    (edge, i) => `WHEN ${value} < ${literal(edge)}::DOUBLE THEN ${text(labels[i] as string)}`,
  )
  const sql = `CASE WHEN ${value} IS NULL THEN NULL ${bands.join(' ')} ELSE ${text(labels.at(-1) as string)} END`
  return {
    layers: [[{ name: value, sql: score(source) }], [{ name: as, sql }]],
    columns: [{ name: as, type: 'string' }],
  }
}
