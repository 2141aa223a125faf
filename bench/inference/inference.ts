// The inference service against the ceiling of HTTP (bare Fastify), the ceiling of the runtime (session.run in a loop) and
// the usual Python servers, over HTTP on this machine, in rounds that alternate.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { flightsParquet } from '../../launcher/src/demo/flights-file.ts'
import { type BenchOptions, type BenchResult, machine, medians, rounds } from '../harness.ts'
import { pythonWith } from '../pipeline/python.ts'
import { startService } from '../service.ts'
import { bareRowsPerSecond } from './bare-loop.ts'
import { flightsDataset } from './dataset.ts'
import { cpuMs, openLoop, percentile, perSecond, timesDuring } from './load.ts'
import { identity, mlp, modelOf, publish, type Put } from './onnx-model.ts'
import { ready, startFastApi, startMlServer } from './servers.ts'
import { binaryShot, get, jsonShot, type Row, type Shot } from './shots.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const flightModel = join(repository, 'models', 'flight-delay')
const execute = promisify(execFile)
type Say = (text: string) => void
type Ends = (() => unknown)[]
type Candidates = Record<string, () => Promise<number>>

const trees: Row = { model: 'flight-delay', input: 'X', shape: [7] }
const small: Row = { model: 'small', input: 'x', shape: [30] }
const large: Row = { model: 'large', input: 'x', shape: [512] }
/** 600 KB. */
const image: Row = { model: 'image', input: 'x', shape: [150_528] }
const squeezenet: Row = { model: 'squeezenet', input: 'data_0', shape: [3, 224, 224] }
/** 7,311,360 weights. */
const largeLayers = [512, 2048, 2048, 1000]
const liveMsMax = 15

export interface InferenceBenchOptions extends BenchOptions {
  /** Without it the Python servers are left out, and SqueezeNet, which comes with a package of Python. */
  readonly python?: boolean
}

export async function bench({ quick, say, python = !quick }: InferenceBenchOptions): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-inference-'))
  const ends: Ends = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const models = join(folder, 'models')
    const train = python
      ? pythonWith(join(repository, 'models/train/requirements.txt'), join(repository, 'node_modules/.cache'), say)
      : undefined
    const paths = await publishModels(models, quick, train)
    const ceiling = await startService('bench/inference/ceiling.ts', [], {}, ends)
    const store = pathToFileURL(join(folder, 'store')).href
    const environment = {
      MESHWORK_PORT: '0',
      MESHWORK_LOG_LEVEL: 'silent',
      MESHWORK_STORE_URL: store,
      MESHWORK_MODELS_DIR: models,
    }
    const service = await startService('services/inference/src/main.ts', [], environment, ends)
    await ready(`${service}/v2/health/ready`)
    const servers: Record<string, Shot> = {
      'HTTP alone': jsonShot(ceiling, trees),
      Meshwork: jsonShot(service, trees),
      ...(train && (await pythonServers(train, { folder, ends, say }))),
    }
    const ms = quick ? 200 : 3000
    const threads = availableParallelism()
    const bare =
      (path: string, row: Row, batches: readonly number[], sessions = threads) =>
      async () =>
        await bareRowsPerSecond(path, row, ms, sessions, batches)
    const largeBatches = quick ? [16] : [32, 64, 128, 256]
    const largeShot = binaryShot(service, large)
    const candidates: Candidates = {
      ...each(servers, 'trees, 32 clients', 'requests/s', shot => perSecond(shot, 32, ms)),
      'trees: bare loops of one row on every core, runs/s': bare(join(flightModel, '1/model.onnx'), trees, [1]),
      ...each(servers, 'trees, open loop of 200/s', 'p99 ms', shot => p99(openLoop(shot, 200, ms))),
      ...each(only(servers, 'HTTP alone', 'Meshwork'), 'trees, open loop of 4,000/s', 'p99 ms', shot =>
        p99(openLoop(shot, quick ? 400 : 4000, ms)),
      ),
      ...each(
        { 'HTTP alone': jsonShot(ceiling, small), Meshwork: jsonShot(service, small) },
        'small MLP, 32 clients',
        'requests/s',
        shot => perSecond(shot, 32, ms),
      ),
      'large MLP: bare loop, rows/s': bare(paths.large, large, largeBatches, 1),
      'large MLP: bare loops on every core, rows/s': bare(paths.large, large, largeBatches),
      'large MLP, 64 clients: Meshwork, rows/s': async () => await perSecond(largeShot, 64, ms),
      ...(paths.squeezenet && {
        'SqueezeNet: bare loops on every core, images/s': bare(paths.squeezenet, squeezenet, [1, 4]),
        'SqueezeNet, 8 clients: Meshwork, images/s': async () =>
          await perSecond(binaryShot(service, squeezenet), 8, ms),
      }),
      '600 KB: JSON, ms of CPU': async () => await cpuMs(service, jsonShot(service, image), quick ? 3 : 40),
      '600 KB: binary, ms of CPU': async () => await cpuMs(service, binaryShot(service, image), quick ? 3 : 200),
      'live while every core infers, p99 ms': async () =>
        await p99(timesDuring(get(`${service}/v2/health/live`), perSecond(largeShot, 64, ms))),
      ...(await datasetCandidates(store, service, quick ? 50_000 : 3_000_000)),
    }
    say('Warming …')
    for (const measure of Object.values(candidates)) await measure()
    const samples = await rounds(quick ? 1 : 5, candidates, say)
    const middle = medians(samples)
    return { name: 'inference', machine: machine(), samples, medians: middle, ratios: ratiosOf(middle) }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Answers the paths of those that are run without a server. */
async function publishModels(models: string, quick: boolean, train: string | undefined) {
  await cp(flightModel, join(models, trees.model), { recursive: true })
  await publish(models, small.model, modelOf(mlp([...small.shape, 64, 64, 2])))
  await publish(models, image.model, modelOf(identity(...(image.shape as [number]))))
  const layers = quick ? [512, 128, 64] : largeLayers
  const paths = { large: await publish(models, large.model, modelOf(mlp(layers))), squeezenet: undefined }
  if (train === undefined) return paths
  const file = join(models, 'squeezenet.onnx')
  const { stdout } = await execute(train, [join(repository, 'bench/inference/python/squeezenet.py'), file])
  const tensors = JSON.parse(stdout) as { inputs: Put[]; outputs: Put[] }
  const content = await readFile(file)
  await rm(file)
  return { ...paths, squeezenet: await publish(models, squeezenet.model, { content, ...tensors }) }
}

async function pythonServers(
  train: string,
  { folder, ends, say }: { folder: string; ends: Ends; say: Say },
): Promise<Record<string, Shot>> {
  const joblib = await trainedModel(train, say)
  return {
    'FastAPI + onnxruntime': await startFastApi(join(flightModel, '1/model.onnx'), trees, ends, say),
    'FastAPI + joblib': await startFastApi(joblib, trees, ends, say),
    MLServer: await startMlServer(joblib, trees, { folder, ends, say }),
  }
}

/** The scikit-learn model of the flights: trained once, and kept as long as its script stays the same. */
async function trainedModel(train: string, say: Say): Promise<string> {
  const script = join(repository, 'models/train/flight_delay.py')
  const hash = createHash('sha256').update(await readFile(script))
  const path = join(dirname(train), '..', `flight-delay-${hash.digest('hex').slice(0, 12)}.joblib`)
  if (existsSync(path)) return path
  say('Training the scikit-learn model (once) …')
  await execute(train, ['-W', 'ignore', script, flightsParquet(), '--joblib', `${path}.new`, '--no-export'])
  await rename(`${path}.new`, path)
  return path
}

/** A dataset through the stage, and through a loop that does nothing else, in rows per second. */
async function datasetCandidates(store: string, service: string, rows: number): Promise<Candidates> {
  const { ref, files } = await flightsDataset(store, join(flightModel, '1'), rows)
  const body = JSON.stringify({
    dataset: ref,
    model: trees.model,
    outputs: { delayed_probability: { output: 'probabilities', index: 1 } },
  })
  const loop = [
    fileURLToPath(new URL('./bare-dataset.ts', import.meta.url)),
    join(flightModel, '1/model.onnx'),
    ref.columns.map(({ name }) => name).join(),
    ...files,
  ]
  // As the service has it: the threads that DuckDB is waited for in are not those that it works in.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '10', ORT_DISABLE_TELEMETRY: '1' }
  const label = `dataset of ${rows.toLocaleString('en')} rows`
  return {
    [`${label}: bare loop, rows/s`]: async () => {
      const { stdout } = await execute(process.execPath, loop, { env })
      return rows / (JSON.parse(stdout) as { seconds: number }).seconds
    },
    [`${label}: Meshwork, rows/s`]: async () => {
      const started = performance.now()
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${service}/v1/inference`, { method: 'POST', headers, body })
      const text = await answer.text()
      if (answer.status !== 200) throw new Error(`${answer.status}: ${text.slice(0, 300)}`)
      return rows / ((performance.now() - started) / 1000)
    },
  }
}

const p99 = async (times: Promise<number[]>) => percentile(await times, 0.99)

const only = (servers: Readonly<Record<string, Shot>>, ...names: string[]) =>
  Object.fromEntries(Object.entries(servers).filter(([name]) => names.includes(name)))

const each = (
  servers: Readonly<Record<string, Shot>>,
  what: string,
  unit: string,
  measure: (shot: Shot) => Promise<number>,
): Candidates =>
  Object.fromEntries(
    Object.entries(servers).map(([name, shot]) => [`${what}: ${name}, ${unit}`, async () => await measure(shot)]),
  )

/** Of what was measured: how much of its ceiling, or how many times the other. */
function ratiosOf(middle: Readonly<Record<string, number>>): Record<string, number> {
  const dataset =
    Object.keys(middle)
      .find(name => name.startsWith('dataset'))
      ?.split(':')[0] ?? ''
  const wanted: readonly (readonly [name: string, above: string, below: string])[] = [
    ...(
      [
        ['HTTP alone', 'goal: at least 0.8'],
        ['FastAPI + onnxruntime', 'goal: at least 5'],
        ['FastAPI + joblib', 'goal: at least 25'],
        ['MLServer', 'no goal'],
      ] as const
    ).map(
      ([other, goal]) =>
        [
          `trees, 32 clients: Meshwork / ${other} (${goal})`,
          'trees, 32 clients: Meshwork, requests/s',
          `trees, 32 clients: ${other}, requests/s`,
        ] as const,
    ),
    [
      'small MLP, 32 clients: Meshwork / HTTP alone (goal: at least 0.8)',
      'small MLP, 32 clients: Meshwork, requests/s',
      'small MLP, 32 clients: HTTP alone, requests/s',
    ],
    [
      'large MLP, 64 clients: Meshwork / bare loop (goal: at least 0.85)',
      'large MLP, 64 clients: Meshwork, rows/s',
      'large MLP: bare loop, rows/s',
    ],
    [
      'large MLP, 64 clients: Meshwork / bare loops on every core (no goal)',
      'large MLP, 64 clients: Meshwork, rows/s',
      'large MLP: bare loops on every core, rows/s',
    ],
    [
      'SqueezeNet, 8 clients: Meshwork / bare loops on every core (no goal)',
      'SqueezeNet, 8 clients: Meshwork, images/s',
      'SqueezeNet: bare loops on every core, images/s',
    ],
    ['600 KB, CPU: JSON / binary (goal: at least 10)', '600 KB: JSON, ms of CPU', '600 KB: binary, ms of CPU'],
    [
      `${dataset}: Meshwork / bare loop (goal: at least 0.9)`,
      `${dataset}: Meshwork, rows/s`,
      `${dataset}: bare loop, rows/s`,
    ],
  ]
  const ratios = wanted
    .filter(([, above, below]) => above in middle && below in middle)
    .map(([name, above, below]) => [name, (middle[above] as number) / (middle[below] as number)])
  const live = (middle['live while every core infers, p99 ms'] as number) / liveMsMax
  return { ...Object.fromEntries(ratios), [`live, p99 / ${liveMsMax} ms (goal: at most 1)`]: live }
}
