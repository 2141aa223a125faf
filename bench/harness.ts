// What every measurement uses: the machine, medians, rounds that alternate, and a table.

import { availableParallelism, cpus, totalmem } from 'node:os'

export interface BenchOptions {
  /** A short form that shows that it works; its figures mean little. */
  readonly quick: boolean
  /** Other than the usual number, where a long one is done in parts. */
  readonly rounds?: number
  readonly say: (text: string) => void
}

export interface BenchResult {
  readonly name: string
  readonly machine: Machine
  /** Every figure that was taken, by what was measured. */
  readonly samples: Readonly<Record<string, readonly number[]>>
  readonly medians: Readonly<Record<string, number>>
  readonly ratios: Readonly<Record<string, number>>
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly node: string
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  node: process.versions.node,
})

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

export const medians = (samples: Readonly<Record<string, readonly number[]>>): Record<string, number> =>
  Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]))

/** Measures every candidate once in each round, so that what slows the machine for a while slows them alike. */
export async function rounds(
  count: number,
  candidates: Readonly<Record<string, () => Promise<number>>>,
  say: (text: string) => void,
): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = Object.fromEntries(Object.keys(candidates).map(name => [name, []]))
  for (let round = 1; round <= count; round++)
    for (const [name, measure] of Object.entries(candidates)) {
      const value = await measure()
      samples[name]?.push(value)
      say(`  round ${round} of ${count}  ${name.padEnd(24)} ${value.toFixed(3)}`)
    }
  return samples
}

/** Medians and ratios as text. */
export function table(result: BenchResult): string {
  const line = (name: string, value: number, note = '') =>
    `  ${name.padEnd(44)} ${value.toFixed(3).padStart(12)}  ${note}`.trimEnd()
  const { samples } = result
  return [
    `${result.name}: ${result.machine.cpu}, ${result.machine.cores} cores, Node ${result.machine.node}`,
    '',
    ...Object.entries(result.medians).map(([name, value]) => line(name, value, `n=${samples[name]?.length ?? 0}`)),
    '',
    ...Object.entries(result.ratios).map(([name, value]) => line(name, value)),
  ].join('\n')
}
