// A mesh to measure: started once, runs of the flight workflow on it, and the memory of its processes.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunView, StepView } from '@meshwork/contracts'
import { Api } from '../launcher/src/demo/api.ts'
import { startMesh } from '../launcher/src/mesh.ts'
import { seedMesh } from '../launcher/src/seed.ts'

export interface FlightRun {
  readonly run: RunView
  readonly steps: readonly StepView[]
  /** Upload of the file. */
  readonly uploadSeconds: number
  /** From the start request to the end of the run. */
  readonly runSeconds: number
  /** Most resident memory that one process had, by service. */
  readonly peakBytes: Readonly<Record<string, number>>
}

export interface BenchMesh {
  readonly api: Api
  fly(path: string): Promise<FlightRun>
  end(): Promise<void>
}

const lookMs = 100

export async function benchMesh(): Promise<BenchMesh> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-bench-'))
  const mesh = await startMesh({
    folder,
    logLevel: 'warn',
    onLine: (name, line) => console.error(`  [${name}] ${line}`),
  })
  await seedMesh(mesh.url)
  const api = new Api(mesh.url)
  const pids = () =>
    new Map([...mesh.children].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[pid, name] as const])))
  return {
    api,
    fly: async path => {
      const uploading = performance.now()
      const source = await api.upload(path)
      const uploadSeconds = (performance.now() - uploading) / 1000
      const memory = watchMemory(pids())
      const started = performance.now()
      const { id } = await api.startRun('flight-delays', { source }, false)
      for await (const event of api.events(id)) if (/^run\.(succeeded|failed|cancelled)$/.test(event.type)) break
      const runSeconds = (performance.now() - started) / 1000
      const peakBytes = await memory.stop()
      const run = await api.run(id)
      if (run.status !== 'succeeded') throw new Error(`the run ${run.status}: ${run.problem?.detail}`)
      return { run, steps: await api.steps(id), uploadSeconds, runSeconds, peakBytes }
    },
    end: async () => {
      await mesh.end()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Looks at the memory of processes and of their children ten times a second. */
function watchMemory(roots: ReadonlyMap<number, string>): { stop(): Promise<Record<string, number>> } {
  const peaks: Record<string, number> = {}
  let running = true
  const loop = (async () => {
    while (running) {
      await look(roots, peaks)
      await new Promise(resolve => setTimeout(resolve, lookMs))
    }
  })()
  return {
    stop: async () => {
      running = false
      await loop
      return peaks
    },
  }
}

async function look(roots: ReadonlyMap<number, string>, peaks: Record<string, number>): Promise<void> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const status = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => '')
    const name = roots.get(Number(entry)) ?? roots.get(Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]))
    if (name === undefined) continue
    const bytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
    peaks[name] = Math.max(peaks[name] ?? 0, bytes)
  }
}
