// The flight workflow on a mesh, against the same work as a chain of Python scripts, and against the floor: one Node
// process without services. Same file, same model, same result, which is compared.

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { flightsParquet } from '../../launcher/src/demo/flights-file.ts'
import { writeFlightsCsv } from '../flights.ts'
import { type BenchOptions, type BenchResult, machine, medians, rounds } from '../harness.ts'
import { benchMesh } from '../mesh.ts'
import { pythonWith } from './python.ts'

interface Result {
  readonly metrics: Readonly<Record<string, number>>
}
interface Outcome {
  readonly seconds: number
  readonly result: Result
  readonly peakRssBytes?: number
}

const repository = fileURLToPath(new URL('../..', import.meta.url))
const models = join(repository, 'models')
const threshold = '0.21'
const comparedTo = 1e-5
const execute = promisify(execFile)

export async function bench({ quick, say }: BenchOptions): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-pipeline-'))
  const csv = join(folder, 'flights.csv')
  const rows = quick ? 100_000 : 3_000_000
  say(`Preparing ${rows.toLocaleString('en')} flights …`)
  await writeFlightsCsv(csv, rows)
  const python = pythonWith(join(models, 'train', 'requirements.txt'), join(repository, 'node_modules', '.cache'), say)
  const joblib = join(folder, 'model.joblib')
  say('Training the scikit-learn model for the chain …')
  await execute(python, [
    '-W',
    'ignore',
    join(models, 'train', 'flight_delay.py'),
    flightsParquet(),
    '--joblib',
    joblib,
    '--no-export',
  ])
  const mesh = await benchMesh()
  const results = new Map<string, Result>()
  const peaks: Record<string, number> = {}
  const peak = (name: string, bytes: number) => {
    peaks[name] = Math.max(peaks[name] ?? 0, bytes)
  }
  try {
    const uploads: number[] = []
    await mesh.fly(csv) // processes, files and caches are warm for all
    const samples = await rounds(
      quick ? 1 : 5,
      {
        mesh: async () => {
          const { run, runSeconds, uploadSeconds, peakBytes } = await mesh.fly(csv)
          uploads.push(uploadSeconds)
          for (const [name, bytes] of Object.entries(peakBytes)) peak(`peak MB of ${name}`, bytes / 1e6)
          results.set('mesh', { metrics: (run.outputs as { metrics: Record<string, number> }).metrics })
          return runSeconds
        },
        floor: async () => {
          const floor = fileURLToPath(new URL('./floor.ts', import.meta.url))
          const env = { ...process.env, UV_THREADPOOL_SIZE: '10', ORT_DISABLE_TELEMETRY: '1' }
          const args = [
            floor,
            csv,
            join(models, 'flight-delay/1/model.onnx'),
            join(models, 'flight-delay/1/features.json'),
            threshold,
            join(folder, 'floor.parquet'),
          ]
          const { stdout } = await execute(process.execPath, args, { env })
          const outcome = JSON.parse(stdout) as Outcome
          results.set('floor', outcome.result)
          peak('peak MB of the floor', (outcome.peakRssBytes ?? 0) / 1e6)
          return outcome.seconds
        },
        'python chain': async () => {
          const chain = join(repository, 'bench', 'python', 'chain.py')
          const { stdout } = await execute(python, [
            '-W',
            'ignore',
            chain,
            folder,
            csv,
            joblib,
            join(models, 'flight-delay/1/features.json'),
            threshold,
          ])
          const outcome = JSON.parse(stdout) as Outcome
          results.set('python chain', outcome.result)
          return outcome.seconds
        },
      },
      say,
    )
    samples['upload to the mesh'] = uploads.slice(0)
    compare(results)
    const middle = medians(samples)
    const of = (name: string) => middle[name] as number
    const ratios = {
      'python chain / mesh (goal: at least 10)': of('python chain') / of('mesh'),
      'mesh / floor (goal: at most 1.3)': of('mesh') / of('floor'),
      'mesh with upload / floor': (of('mesh') + of('upload to the mesh')) / of('floor'),
    }
    return { name: 'pipeline', machine: machine(), samples, medians: { ...middle, ...peaks }, ratios }
  } finally {
    await mesh.end()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Fails when the three do not say the same of the held-out month. */
function compare(results: ReadonlyMap<string, Result>): void {
  const [[first, expected] = ['', undefined], ...others] = results
  for (const [name, { metrics }] of others)
    for (const key of ['accuracy', 'precision', 'recall', 'f1', 'rocAuc', 'prAuc', 'logLoss', 'brier']) {
      const [a, b] = [expected?.metrics[key] ?? Number.NaN, metrics[key] ?? Number.NaN]
      if (!(Math.abs(a - b) <= comparedTo)) throw new Error(`${key} is ${a} in ${first} and ${b} in ${name}`)
    }
}
