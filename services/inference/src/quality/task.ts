// What of a model's answer is the prediction, and what a label of it may be. Pure.

import type { ModelLabel, ModelManifest } from '@meshwork/contracts'

export interface QualityTask {
  readonly kind: 'binary' | 'multiclass' | 'regression'
  readonly output: string
  /** Numbers of the output for a row. */
  readonly width: number
  /** Names of the classes where there are any, by place. */
  readonly classes: readonly string[]
  /** Binary: the place of the positive class, and that of its score in the row. */
  readonly positive: number
  readonly scoreAt: number
  readonly threshold: number
}

type Output = ModelManifest['outputs'][number]

const thresholdDefault = 0.5
const classesMax = 1024

/** A sentence where the model has no prediction that labels could be compared with. */
export function taskOf({ outputs, quality, threshold }: ModelManifest): QualityTask | string {
  if (quality !== undefined) {
    const output = outputs.find(({ name }) => name === quality.output)
    if (!output)
      return `its manifest names output '${quality.output}' for its quality, and its outputs are ${outputs.map(({ name }) => `'${name}'`).join(', ')}`
    return fill(output, quality.task, quality.positive, quality.threshold ?? threshold)
  }
  const numbers = outputs.filter(isNumeric)
  const labelled = numbers.filter(output => (output.labels?.length ?? 0) > 1)
  if (labelled.length === 1 && labelled[0])
    return fill(labelled[0], labelled[0].labels?.length === 2 ? 'binary' : 'multiclass', undefined, threshold)
  const [only] = numbers
  if (outputs.length === 1 && only && widthOf(only) === 1) return fill(only, 'regression', undefined, undefined)
  return 'which of its outputs is the prediction is not clear; say it in the manifest: "quality": { "output": …, "task": "binary", "multiclass" or "regression" }'
}

function fill(
  output: Output,
  kind: QualityTask['kind'],
  positive: number | undefined,
  threshold = thresholdDefault,
): QualityTask | string {
  const width = widthOf(output)
  const says = `output '${output.name}' of shape [${output.shape.join(', ')}]`
  if (!isNumeric(output) || width === undefined) return `${says} and type ${output.type} has no numbers for each row`
  if (kind === 'regression' && width !== 1) return `${says} is not one number for each row, as a regression gives`
  if (kind === 'binary' && width > 2) return `${says} is not one score or two for each row, as two classes give`
  if (kind === 'multiclass' && (width < 2 || width > classesMax))
    return `${says} is not a score for each of 2 to ${classesMax} classes`
  const count = kind === 'regression' ? 0 : Math.max(2, width)
  const classes = output.labels?.length === count ? output.labels : Array.from({ length: count }, (_, i) => String(i))
  const yes = positive ?? 1
  return { kind, output: output.name, width, classes, positive: yes, scoreAt: width === 1 ? 0 : yes, threshold }
}

const isNumeric = ({ type }: Output) => /^(float32|float64|float|double)$/.test(type)

/** Numbers for a row; undefined where the shape does not say. */
function widthOf({ shape: [, ...rest] }: Output): number | undefined {
  return rest.every(size => size > 0) ? rest.reduce((a, b) => a * b, 1) : undefined
}

/** A label as a number: the place of its class (binary: 1 for the positive one), or the number itself. A sentence for what is none. */
export function readLabel({ kind, classes, positive }: QualityTask, label: ModelLabel['label']): number | string {
  if (kind === 'regression') return typeof label === 'number' ? label : `must be a number, not ${JSON.stringify(label)}`
  if (kind === 'binary' && typeof label === 'boolean') return Number(label)
  const place = typeof label === 'number' ? label : typeof label === 'string' ? classes.indexOf(label) : -1
  if (!Number.isInteger(place) || place < 0 || place >= classes.length) {
    const named = classes.slice(0, 20).join(', ')
    const also = kind === 'binary' ? 'true, false, ' : ''
    return `must be ${also}a class (${named}${classes.length > 20 ? ', …' : ''}) or its place from 0, not ${JSON.stringify(label)}`
  }
  if (kind === 'multiclass') return place
  return Number(place === positive)
}
