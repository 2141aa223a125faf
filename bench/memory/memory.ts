// Peak memory of every process of the mesh for the flight workflow on 300 thousand, 3 million and 30 million rows.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFlightsCsv } from '../flights.ts'
import { type BenchOptions, type BenchResult, machine, medians } from '../harness.ts'
import { benchMesh } from '../mesh.ts'

export async function bench({ quick, say }: BenchOptions): Promise<BenchResult> {
  const sizes = quick ? [30_000, 300_000] : [300_000, 3_000_000, 30_000_000]
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-memory-'))
  const samples: Record<string, number[]> = {}
  try {
    for (const rows of sizes) {
      const label = rows.toLocaleString('en')
      say(`${label} rows …`)
      const csv = join(folder, `${rows}.csv`)
      await writeFlightsCsv(csv, rows)
      const mesh = await benchMesh() // fresh processes, so that the memory is of these rows
      try {
        const { peakBytes, runSeconds } = await mesh.fly(csv)
        samples[`seconds of the run, ${label} rows`] = [runSeconds]
        for (const [name, bytes] of Object.entries(peakBytes))
          samples[`peak MB of ${name}, ${label} rows`] = [bytes / 1e6]
        samples[`peak MB of any process, ${label} rows`] = [Math.max(...Object.values(peakBytes)) / 1e6]
        say(`  ${runSeconds.toFixed(1)} s, at most ${(Math.max(...Object.values(peakBytes)) / 1e6).toFixed(0)} MB`)
      } finally {
        await mesh.end()
        await rm(csv)
      }
    }
    const middle = medians(samples)
    const peakOf = (rows: number) => middle[`peak MB of any process, ${rows.toLocaleString('en')} rows`] as number
    const [smallest = 0, ...larger] = sizes
    const ratios = Object.fromEntries(
      larger.map(rows => [
        `peak with ${rows.toLocaleString('en')} rows / with ${smallest.toLocaleString('en')}`,
        peakOf(rows) / peakOf(smallest),
      ]),
    )
    return { name: 'memory', machine: machine(), samples, medians: middle, ratios }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
