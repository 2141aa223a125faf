// Runs of six trivial steps: durable on PostgreSQL and on PGlite, over REST, against the same six calls without any
// durability. Latency one at a time, and runs per second at 1, 16, 64 and 256 at a time.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RunView } from '@meshwork/contracts'
import { Agent, request } from 'undici'
import { startPostgres } from '../../orchestrator/test/postgres.ts'
import { type BenchOptions, type BenchResult, machine, median, medians, rounds } from '../harness.ts'
import { startService } from '../service.ts'

const stepCount = 6
const names = Array.from({ length: stepCount }, (_, i) => `s${i}`)
const workflow = {
  name: 'six',
  steps: Object.fromEntries(
    names.map((name, i) => [
      name,
      { stage: 'nothing@1', with: { value: i === 0 ? 0 : `\${steps.${names[i - 1]}.value}` } },
    ]),
  ),
  outputs: { value: `\${steps.${names.at(-1)}.value}` },
}
const agent = new Agent({ connections: 256, headersTimeout: 0, bodyTimeout: 0 })

export async function bench({ quick, say }: BenchOptions): Promise<BenchResult> {
  const widths = quick ? [1, 16] : [1, 16, 64, 256]
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-steps-'))
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const stages = await startService('bench/steps/stages.ts', [pathToFileURL(join(folder, 'store')).href], {}, ends)
    const postgres = await startPostgres({ teardown: end => void ends.push(end) }, { durable: true })
    const env = {
      MESHWORK_PORT: '0',
      MESHWORK_LOG_LEVEL: 'silent',
      MESHWORK_STAGES: `nothing=${stages}`,
      MESHWORK_STAGE_CALLS_MAX: '1024',
    }
    const homes: Record<string, (n: number) => Promise<void>> = {
      'no durability': async n => await plainRun(stages, n),
      PGlite: durable(
        await startService('orchestrator/src/main.ts', [], { ...env, MESHWORK_STATE_DIR: join(folder, 'state') }, ends),
      ),
      PostgreSQL: durable(
        await startService('orchestrator/src/main.ts', [], { ...env, MESHWORK_DATABASE_URL: postgres.url }, ends),
      ),
    }
    for (const run of Object.values(homes)) await atATime(run, 16, quick ? 32 : 200) // warm
    const candidates: Record<string, () => Promise<number>> = {}
    for (const [home, run] of Object.entries(homes)) {
      candidates[`${home}: ms, one at a time`] = async () => await latencyMs(run, quick ? 20 : 60)
      for (const width of widths)
        candidates[`${home}: runs/s, ${width} at a time`] = async () =>
          await perSecond(run, width, quick ? 40 : Math.max(60, width * 3))
    }
    const samples = await rounds(quick ? 1 : 5, candidates, say)
    const middle = medians(samples)
    const ratios: Record<string, number> = {}
    for (const home of ['PostgreSQL', 'PGlite']) {
      ratios[`${home} / no durability, latency`] = ratio(
        middle,
        `${home}: ms, one at a time`,
        'no durability: ms, one at a time',
      )
      for (const width of widths)
        ratios[`${home} / no durability, runs/s at ${width}`] = ratio(
          middle,
          `${home}: runs/s, ${width} at a time`,
          `no durability: runs/s, ${width} at a time`,
        )
    }
    return { name: 'steps', machine: machine(), samples, medians: middle, ratios }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

async function plainRun(stages: string, n: number): Promise<void> {
  let value = 0
  for (const name of names) {
    const answer = await ask<{ value: number }>(
      `${stages}/v1/nothing`,
      { value },
      { 'idempotency-key': `plain/${process.pid}/${plainRuns}/${n}/${name}` },
    )
    value = answer.value
  }
  if (value !== stepCount) throw new Error(`six steps gave ${value}`)
  plainRuns++
}
let plainRuns = 0

function durable(url: string): (n: number) => Promise<void> {
  let registered: Promise<unknown> | undefined
  return async () => {
    registered ??= ask(`${url}/v1/workflows`, workflow)
    await registered
    const run = await ask<RunView>(`${url}/v1/runs`, { workflow: 'six' }, { prefer: 'wait=60' })
    if (run.status !== 'succeeded' || (run.outputs as { value: number }).value !== stepCount)
      throw new Error(`the run ${run.status}`)
  }
}

async function ask<T>(url: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const answer = await request(url, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (answer.statusCode >= 300) throw new Error(await answer.body.text())
  return (await answer.body.json()) as T
}

async function latencyMs(run: (n: number) => Promise<void>, count: number): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const started = performance.now()
    await run(n)
    times.push(performance.now() - started)
  }
  return median(times)
}

async function perSecond(run: (n: number) => Promise<void>, width: number, count: number): Promise<number> {
  const started = performance.now()
  await atATime(run, width, count)
  return count / ((performance.now() - started) / 1000)
}

async function atATime(run: (n: number) => Promise<void>, width: number, count: number): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(width, count) }, async () => {
      while (next < count) await run(next++)
    }),
  )
}

const ratio = (middle: Readonly<Record<string, number>>, above: string, below: string): number =>
  (middle[above] as number) / (middle[below] as number)
