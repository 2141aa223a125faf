// How late an orchestrator on PostgreSQL is: when a wait is over, when a run that rested is to go on, and when a place
// among the runs of a workflow or the calls of a stage becomes free. Beside a bare timer of Node.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RunView } from '@meshwork/contracts'
import pg from 'pg'
import { startPostgres } from '../../orchestrator/test/postgres.ts'
import { type BenchOptions, type BenchResult, machine, medians, rounds } from '../harness.ts'
import { startService } from '../service.ts'
import { ask } from './ask.ts'
import { StagePlaces } from './stage-places.ts'

const restMs = 16_000
const timed = {
  name: 'timed',
  params: { at: { type: 'string' } },
  steps: { held: { wait: { until: '${params.at}' } } },
}
const narrow = { name: 'narrow', limits: { runs: 1 }, steps: { held: { wait: { for: '1ms' } } } }

const settings = { MESHWORK_PORT: '0', MESHWORK_LOG_LEVEL: 'silent', MESHWORK_RUNS_MAX: '1000' }

export async function bench({ quick, say }: BenchOptions): Promise<BenchResult> {
  const runs = quick ? 20 : 500
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-timers-'))
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const postgres = await startPostgres({ teardown: end => void ends.push(end) })
    const orchestrator = async (env: Record<string, string>) =>
      await startService(
        'orchestrator/src/main.ts',
        [],
        { ...settings, MESHWORK_DATABASE_URL: postgres.url, ...env },
        ends,
      )
    const url = await orchestrator({})
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    ends.push(() => client.end())
    for (const document of [timed, narrow]) await ask(`${url}/v1/workflows`, document)
    const stage = await startService(
      'bench/timers/brief-stage.ts',
      [pathToFileURL(join(folder, 'store')).href],
      {},
      ends,
    )
    const own = {
      MESHWORK_DATABASE_URL: (await startPostgres({ teardown: end => void ends.push(end) })).url,
      MESHWORK_STAGES: `brief=${stage}`,
    }
    const places = new StagePlaces([await orchestrator(own), await orchestrator(own)])
    await places.prepare()
    const lateness = async (aheadMs: number) => await latenessOf(url, client, runs, aheadMs)
    const candidates = {
      'bare timer, p99 ms': async () => p99(await bareTimers(runs)),
      'a wait is over, p99 ms': async () => p99(await lateness(2000)),
      'a run that rested goes on, p99 ms': async () => p99(await lateness(restMs)),
      'a place is free: to the next run, p99 ms': async () => p99(await handovers(url, client, Math.min(runs, 200))),
      'a place of a stage is free: to the next call, p99 ms': async () => p99(await places.atHome(runs)),
      'the same, to a call at another orchestrator, p99 ms': async () => p99(await places.elsewhere(runs)),
    }
    const samples = await rounds(quick ? 1 : 5, candidates, say)
    const middle = medians(samples)
    const [bare = 1, ...others] = Object.values(middle)
    const names = Object.keys(middle).slice(1)
    const ratios = Object.fromEntries(others.map((value, i) => [`${names[i]} / bare timer`, value / bare]))
    return { name: 'timers', machine: machine(), samples, medians: middle, ratios }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Milliseconds that timers of this process are late, spread over a second. */
async function bareTimers(count: number): Promise<number[]> {
  const begun = performance.now()
  return await Promise.all(
    Array.from(
      { length: count },
      async (_, i) =>
        await new Promise<number>(resolve => {
          const due = 500 + (1000 * i) / count
          setTimeout(() => resolve(performance.now() - begun - due), due)
        }),
    ),
  )
}

/** Milliseconds from the time that runs wait for, spread over a second, to the record that the wait is over. */
async function latenessOf(url: string, client: pg.Client, count: number, aheadMs: number): Promise<number[]> {
  const { rows } = await client.query<{ now: number }>(
    'SELECT 1000 * extract(epoch FROM clock_timestamp())::float8 AS now',
  )
  const now = rows[0]?.now ?? 0
  const due = Array.from({ length: count }, (_, i) => Math.round(now + aheadMs + 1000 + (1000 * i) / count))
  const ids = await Promise.all(
    due.map(async at => {
      const params = { at: new Date(at).toISOString() }
      return (await ask<RunView>(`${url}/v1/runs`, { workflow: 'timed', params })).id
    }),
  )
  await untilEnded(client, ids)
  const { rows: ended } = await client.query<{ run: string; at: number }>(
    `SELECT run_id AS run, 1000 * extract(epoch FROM at)::float8 AS at FROM event WHERE run_id = ANY($1::uuid[]) AND type = 'step.succeeded'`,
    [ids],
  )
  const at = new Map(ended.map(one => [one.run, one.at]))
  return ids.map((id, i) => (at.get(id) as number) - (due[i] as number))
}

/** Milliseconds from the end of each run of a workflow that allows one at a time to the claim of the next. */
async function handovers(url: string, client: pg.Client, count: number): Promise<number[]> {
  const started = await Promise.all(
    Array.from({ length: count }, async () => await ask<RunView>(`${url}/v1/runs`, { workflow: 'narrow' })),
  )
  const ids = started.map(({ id }) => id)
  await untilEnded(client, ids)
  const { rows } = await client.query<{ gap: number | null }>(
    `SELECT 1000 * extract(epoch FROM started_at - lag(ended_at) OVER (ORDER BY started_at))::float8 AS gap FROM run WHERE id = ANY($1::uuid[])`,
    [ids],
  )
  return rows.flatMap(({ gap }) => (gap === null ? [] : [gap]))
}

async function untilEnded(client: pg.Client, ids: readonly string[]): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ open: number }>(
      'SELECT count(*)::int AS open FROM run WHERE id = ANY($1::uuid[]) AND ended_at IS NULL',
      [ids],
    )
    if (rows[0]?.open === 0) return
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

const p99 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(0.99 * (values.length - 1))] as number
