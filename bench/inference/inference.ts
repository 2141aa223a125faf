// The inference service against the ceiling of HTTP (bare Fastify), the ceiling of the runtime (session.run in a loop) and
// the usual Python server, over HTTP on this machine, in rounds that alternate.

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { request } from 'undici'
import { freePorts } from '../../launcher/src/free-port.ts'
import { type BenchOptions, type BenchResult, machine, medians, rounds } from '../harness.ts'
import { pythonWith } from '../pipeline/python.ts'
import { bareRowsPerSecond } from './bare-loop.ts'
import { cpuSeconds, fire, p99Ms, perSecond, type Shot } from './load.ts'
import { identity, mlp, publish } from './onnx-model.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const treesWidth = 7
/** 7,311,360 weights. */
const layers = [512, 2048, 2048, 1000]
const imageWidth = 150_528
const lengthHeader = 'inference-header-content-length'

export interface InferenceBenchOptions extends BenchOptions {
  /** Without it the Python server is left out. */
  readonly python?: boolean
}

export async function bench({ quick, say, python = !quick }: InferenceBenchOptions): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-inference-'))
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const models = join(folder, 'models')
    await cp(join(repository, 'models', 'flight-delay'), join(models, 'flight-delay'), { recursive: true })
    const sizes = quick ? [64, 128, 64] : layers
    const path = await publish(models, 'mlp', mlp(sizes))
    await publish(models, 'image', identity(imageWidth))
    const ceiling = await start('bench/inference/ceiling.ts', {}, ends)
    const service = await start(
      'services/inference/src/main.ts',
      {
        MESHWORK_PORT: '0',
        MESHWORK_LOG_LEVEL: 'silent',
        MESHWORK_STORE_URL: pathToFileURL(join(folder, 'store')).href,
        MESHWORK_MODELS_DIR: models,
      },
      ends,
    )
    while ((await status(`${service}/v2/health/ready`)) !== 200) continue
    const fastapi = python ? await startFastApi(join(models, 'flight-delay/1/model.onnx'), ends, say) : undefined

    const ms = quick ? 200 : 5000
    const [width = 1] = sizes
    const mlpShot = binaryShot(service, 'mlp', width)
    const [imageJson, imageBinary] = [jsonShot(service, 'image', imageWidth), binaryShot(service, 'image', imageWidth)]
    const treesShot = (url: string) => jsonShot(url, 'flight-delay', treesWidth)
    const threads = availableParallelism()
    const cpuMs = async (shot: Shot, count: number) => {
      const before = await cpuSeconds(service)
      for (let i = 0; i < count; i++) await fire(shot)
      return (((await cpuSeconds(service)) - before) * 1000) / count
    }
    const candidates: Record<string, () => Promise<number>> = {
      'trees, JSON, 32 clients: HTTP alone, requests/s': async () => await perSecond(treesShot(ceiling), 32, ms),
      'trees, JSON, 32 clients: Meshwork, requests/s': async () => await perSecond(treesShot(service), 32, ms),
      ...(fastapi && {
        'trees, JSON, 32 clients: FastAPI, requests/s': async () => await perSecond(fastapi, 32, ms),
      }),
      'MLP: bare loop, rows/s': async () =>
        await bareRowsPerSecond(path, width, threads, ms / 4, quick ? [16] : [32, 64, 128, 256]),
      'MLP, 64 clients of a row: Meshwork, rows/s': async () => await perSecond(mlpShot, 64, ms),
      '600 KB: JSON, ms of CPU': async () => await cpuMs(imageJson, quick ? 3 : 40),
      '600 KB: binary, ms of CPU': async () => await cpuMs(imageBinary, quick ? 3 : 200),
      'live while every core infers, p99 ms': async () =>
        await p99Ms(`${service}/v2/health/live`, perSecond(mlpShot, 64, ms)),
    }
    for (const shot of [treesShot(ceiling), treesShot(service), mlpShot, imageJson, imageBinary])
      await perSecond(shot, 4, quick ? 50 : 1000) // warm
    const samples = await rounds(quick ? 1 : 5, candidates, say)
    const middle = medians(samples)
    const of = (above: string, below: string) => (middle[above] as number) / (middle[below] as number)
    const ours = 'trees, JSON, 32 clients: Meshwork, requests/s'
    const ratios = {
      'trees: Meshwork / HTTP alone': of(ours, 'trees, JSON, 32 clients: HTTP alone, requests/s'),
      ...(fastapi && { 'trees: Meshwork / FastAPI': of(ours, 'trees, JSON, 32 clients: FastAPI, requests/s') }),
      'MLP: Meshwork / bare loop': of('MLP, 64 clients of a row: Meshwork, rows/s', 'MLP: bare loop, rows/s'),
      '600 KB, CPU: JSON / binary': of('600 KB: JSON, ms of CPU', '600 KB: binary, ms of CPU'),
    }
    return { name: 'inference', machine: machine(), samples, medians: middle, ratios }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const inferUrl = (url: string, model: string) => `${url}/v2/models/${model}/infer`
const values = (width: number) => Array.from({ length: width }, (_, i) => ((i * 37) % 1000) / 1000)

function jsonShot(url: string, model: string, width: number): Shot {
  const name = model === 'flight-delay' ? 'X' : 'x'
  const input = { name, datatype: 'FP32', shape: [1, width], data: values(width) }
  return { url: inferUrl(url, model), body: JSON.stringify({ inputs: [input] }) }
}

function binaryShot(url: string, model: string, width: number): Shot {
  const bytes = Buffer.from(Float32Array.from(values(width)).buffer)
  const input = { name: 'x', datatype: 'FP32', shape: [1, width], parameters: { binary_data_size: bytes.length } }
  const head = Buffer.from(JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } }))
  return {
    url: inferUrl(url, model),
    body: Buffer.concat([head, bytes]),
    headers: { 'content-type': 'application/octet-stream', [lengthHeader]: String(head.length) },
  }
}

const status = async (url: string): Promise<number> => {
  const { statusCode, body } = await request(url)
  await body.dump()
  return statusCode
}

/** Starts a service and answers its address. */
async function start(file: string, env: Record<string, string>, ends: (() => unknown)[]): Promise<string> {
  const child: ChildProcess = fork(join(repository, file), [], { execArgv: [], env: { ...process.env, ...env } })
  const exited = once(child, 'exit')
  ends.push(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const [message] = (await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error(`${file} ended before it listened`))),
  ])) as [{ url: string }]
  return message.url
}

async function startFastApi(model: string, ends: (() => unknown)[], say: (text: string) => void): Promise<Shot> {
  const here = join(repository, 'bench', 'inference')
  const python = pythonWith(join(here, 'requirements.txt'), join(repository, 'node_modules', '.cache', 'bench'), say)
  const [port = 0] = await freePorts(1)
  const child = spawn(python, [join(here, 'fastapi_server.py'), model, String(port)], { stdio: 'inherit' })
  const exited = once(child, 'exit')
  ends.push(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const url = `http://127.0.0.1:${port}`
  while ((await status(`${url}/healthz`).catch(() => 0)) !== 200) await new Promise(resolve => setTimeout(resolve, 100))
  return { url: `${url}/predict`, body: JSON.stringify({ rows: [values(treesWidth)] }) }
}
