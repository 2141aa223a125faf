// Whether the memory of the inference service stays flat over a million requests and a thousand new versions of a model,
// each of which takes over from the one before it while requests are answered.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BenchOptions, type BenchResult, machine, median, medians } from '../harness.ts'
import { metricOf, perSecond, requests } from '../inference/load.ts'
import { identity, mlp, modelOf, publish } from '../inference/onnx-model.ts'
import { ready } from '../inference/servers.ts'
import { binaryShot, jsonShot, type Row } from '../inference/shots.ts'
import { startService } from '../service.ts'

const small: Row = { model: 'small', input: 'x', shape: [30] }
/** 16 KB: its bytes are moved between threads. */
const wide: Row = { model: 'wide', input: 'x', shape: [4096] }
const looks = 100
const megabyte = 1e6

export async function bench({ quick, say }: BenchOptions): Promise<BenchResult> {
  const count = quick ? 4000 : 1_000_000
  const reloads = quick ? 12 : 1000
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-soak-'))
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const models = join(folder, 'models')
    const layers = mlp([...small.shape, 64, 64, 2])
    await publish(models, small.model, modelOf(layers))
    await publish(models, wide.model, modelOf(identity(...(wide.shape as [number]))))
    const environment = {
      MESHWORK_PORT: '0',
      MESHWORK_LOG_LEVEL: 'silent',
      MESHWORK_STORE_URL: pathToFileURL(join(folder, 'store')).href,
      MESHWORK_MODELS_DIR: models,
      MESHWORK_INFERENCE_POLL_MS: '86400000', // versions come when they are asked for
    }
    const service = await startService('services/inference/src/main.ts', [], environment, ends)
    await ready(`${service}/v2/health/ready`)
    const memory = async () => (await metricOf(service, 'process_resident_memory_bytes')) / megabyte
    const samples: Record<string, number[]> = {}
    const look = async (name: string) => (samples[name] ??= []).push(await memory())

    const ofRequests = `memory over ${count.toLocaleString('en')} requests, MB`
    for (let i = 0; i < looks; i++) {
      await requests(jsonShot(service, small), 32, (count * 0.9) / looks)
      await requests(binaryShot(service, wide), 8, (count * 0.1) / looks)
      await look(ofRequests)
      if ((i + 1) % (looks / 10) === 0)
        say(`  ${i + 1} % of the requests  ${samples[ofRequests]?.at(-1)?.toFixed(0)} MB`)
    }

    const ofReloads = `memory over ${reloads.toLocaleString('en')} reloads, MB`
    for (let version = 2; version <= reloads + 1; version++) {
      await publish(models, small.model, modelOf(layers), version)
      const load = perSecond(jsonShot(service, small), 2, 10)
      await reload(service, small.model, version)
      await load
      await rm(join(models, small.model, String(version - 1)), { recursive: true })
      if (version % Math.max(1, Math.round(reloads / looks)) === 0) await look(ofReloads)
      if ((version - 1) % Math.round(reloads / 10) === 0)
        say(`  version ${version}  ${samples[ofReloads]?.at(-1)?.toFixed(0)} MB`)
    }
    const ratios = Object.fromEntries(
      Object.entries(samples).map(([name, values]) => [
        `${name.replace(', MB', '')}: last quarter / second quarter (goal: at most 1.1)`,
        growth(values),
      ]),
    )
    return { name: 'soak', machine: machine(), samples, medians: medians(samples), ratios }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** The first quarter is left out: caches, pools and code that is compiled fill up. */
function growth(values: readonly number[]): number {
  const quarter = Math.floor(values.length / 4)
  return median(values.slice(-quarter)) / median(values.slice(quarter, 2 * quarter))
}

async function reload(service: string, model: string, version: number): Promise<void> {
  const loaded = await fetch(`${service}/v2/repository/models/${model}/load`, { method: 'POST' })
  const told = await loaded.text()
  if (loaded.status !== 200) throw new Error(`${loaded.status}: ${told}`)
  const { versions } = (await (await fetch(`${service}/v2/models/${model}`)).json()) as { versions: string[] }
  if (versions[0] !== String(version)) throw new Error(`version ${version} has not taken over: ${versions.join()}`)
}
