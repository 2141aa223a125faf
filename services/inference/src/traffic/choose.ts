// Which version answers a request that names none. Pure.

import type { ModelTraffic } from '@meshwork/contracts'

export type Weights = ModelTraffic['weights']

/** Versions that traffic names, those that answer and the shadow. */
export const namedBy = ({ weights, shadow }: ModelTraffic): number[] => [
  ...new Set([
    ...Object.entries(weights).flatMap(([version, weight]) => (weight > 0 ? [Number(version)] : [])),
    ...(shadow ? [shadow.version] : []),
  ]),
]

/**
 * `random` is from 0 to 1. Weights of versions that are not served go to the others; undefined where none is served
 * that has a weight.
 */
export function choose(weights: Weights, served: readonly number[], random: number): number | undefined {
  const open = served.flatMap(version => {
    const weight = weights[version] ?? 0
    return weight > 0 ? [{ version, weight }] : []
  })
  let left = random * open.reduce((sum, { weight }) => sum + weight, 0)
  for (const { version, weight } of open) {
    left -= weight
    if (left < 0) return version
  }
  return open.at(-1)?.version
}

/** The version that speaks for the model where one is needed: the heaviest, of equal ones the newest. */
export const heaviest = (weights: Weights, served: readonly number[]): number | undefined =>
  [...served]
    .filter(version => (weights[version] ?? 0) > 0)
    .sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || b - a)[0]
