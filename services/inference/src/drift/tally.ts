// Counts of the values of features in the bins of the reference. Pure but for its own counts.

import type { ModelReference } from '@meshwork/contracts'
import type { TensorData } from '../model/tensor-type.ts'

export type ReferenceFeature = ModelReference['features'][number]

/** Rows in each bin, then those that training never had, then NaN. */
export type Counts = Float64Array

export const binsOf = ({ counts }: ReferenceFeature): number => counts.length
const unseenAt = binsOf
const missingAt = (feature: ReferenceFeature): number => binsOf(feature) + 1

/** The place of a value among the counts. */
export function binOf(feature: ReferenceFeature, value: number): number {
  if (Number.isNaN(value)) return missingAt(feature)
  const { edges, values } = feature
  if (values) {
    const at = values.indexOf(value)
    return at < 0 ? unseenAt(feature) : at
  }
  if (!edges) return 0
  let [low, high] = [0, edges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (value > (edges[middle] as number)) low = middle + 1
    else high = middle
  }
  return low
}

export interface Watched {
  readonly feature: ReferenceFeature
  /** Its place in the reference. */
  readonly index: number
}

export class Tally {
  readonly reference: ModelReference
  readonly counts: readonly Counts[]
  /** By side and tensor. */
  readonly #watched: ReadonlyMap<string, readonly Watched[]>

  constructor(reference: ModelReference) {
    this.reference = reference
    this.counts = reference.features.map(feature => new Float64Array(binsOf(feature) + 2))
    const watched = new Map<string, Watched[]>()
    for (const [index, feature] of reference.features.entries()) {
      const key = `${feature.side}/${feature.tensor}`
      watched.set(key, [...(watched.get(key) ?? []), { feature, index }])
    }
    this.#watched = watched
  }

  /** Counts some rows of a tensor, whose rows lie one after the other, each of `width` values. */
  add(side: 'input' | 'output', tensor: string, data: TensorData, width: number, rows: Iterable<number>): void {
    const watched = this.#watched.get(`${side}/${tensor}`)
    if (!watched || isText(data)) return
    for (const row of rows)
      for (const { feature, index } of watched)
        if (feature.place < width) this.#count(feature, index, Number(data[row * width + feature.place]))
  }

  /** Counts some values of one place of a tensor. */
  addPlace(side: 'input' | 'output', tensor: string, place: number, data: TensorData, rows: Iterable<number>): void {
    const watched = this.#watched.get(`${side}/${tensor}`)?.filter(({ feature }) => feature.place === place)
    if (!watched || isText(data)) return
    for (const row of rows) for (const { feature, index } of watched) this.#count(feature, index, Number(data[row]))
  }

  #count(feature: ReferenceFeature, index: number, value: number): void {
    const counts = this.counts[index] as Counts
    const bin = binOf(feature, value)
    counts[bin] = (counts[bin] as number) + 1
  }
}

const isText = (data: TensorData): data is string[] => Array.isArray(data)
