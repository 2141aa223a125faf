// Reading with many runs in the tables: the same requests to an orchestrator whose PostgreSQL holds a thousand runs, and
// to one whose holds a million. Runs are copies of one real run of six steps, with its events.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RunView } from '@meshwork/contracts'
import pg from 'pg'
import { Agent, request } from 'undici'
import { startPostgres } from '../../orchestrator/test/postgres.ts'
import { type BenchOptions, type BenchResult, machine, median, medians, rounds } from '../harness.ts'
import { startService } from '../service.ts'

const names = Array.from({ length: 6 }, (_, i) => `s${i}`)
const workflow = {
  name: 'six',
  steps: Object.fromEntries(
    names.map((name, i) => [
      name,
      { stage: 'nothing@1', with: { value: i === 0 ? 0 : `\${steps.${names[i - 1]}.value}` } },
    ]),
  ),
}
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 })

export async function bench({ quick, say, rounds: count = quick ? 1 : 5 }: BenchOptions): Promise<BenchResult> {
  const sizes: Record<string, number> = { few: 1000, many: quick ? 50_000 : 1_000_000 }
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-lists-'))
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const stages = await startService('bench/engine/stages.ts', [pathToFileURL(join(folder, 'store')).href], {}, ends)
    const candidates: Record<string, () => Promise<number>> = {}
    const what = new Set<string>()
    for (const [name, size] of Object.entries(sizes)) {
      say(`Making ${size.toLocaleString('en')} runs …`)
      const postgres = await startPostgres({ teardown: end => void ends.push(end) })
      const url = await startService(
        'orchestrator/src/main.ts',
        [],
        {
          MESHWORK_PORT: '0',
          MESHWORK_LOG_LEVEL: 'silent',
          MESHWORK_STAGES: `nothing=${stages}`,
          MESHWORK_DATABASE_URL: postgres.url,
        },
        ends,
      )
      for (const [asked, measure] of Object.entries(await requestsOf(url, postgres.url, size))) {
        what.add(asked)
        candidates[`${asked}, ${name}`] = measure
      }
    }
    const samples = await rounds(count, candidates, say)
    const middle = medians(samples)
    const ratios = Object.fromEntries(
      [...what].map(asked => [
        `${asked}, many / few`,
        (middle[`${asked}, many`] as number) / (middle[`${asked}, few`] as number),
      ]),
    )
    return { name: 'lists', machine: machine(), samples, medians: middle, ratios }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Fills the database, and answers what is asked of it, each the median milliseconds of twenty requests. */
async function requestsOf(url: string, database: string, size: number): Promise<Record<string, () => Promise<number>>> {
  await ask(`${url}/v1/workflows`, workflow)
  const { id } = await ask<RunView>(`${url}/v1/runs`, { workflow: 'six' }, { prefer: 'wait=60' })
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await fill(client, id, size)
  await client.end()
  const page = await ask<{ next: string }>(`${url}/v1/runs?limit=500`)
  const get = (path: string) => async () => await times(async () => void (await ask(`${url}${path}`)))
  return {
    'newest 50': get('/v1/runs'),
    'next 50': get(`/v1/runs?cursor=${encodeURIComponent(page.next)}`),
    'of a workflow': get('/v1/runs?workflow=six'),
    'failed ones': get('/v1/runs?status=failed&limit=10'),
    'failed ones of a workflow': get('/v1/runs?workflow=six&status=failed&limit=10'),
    'running ones, of which there are none': get('/v1/runs?workflow=six&status=running'),
    'a run': get(`/v1/runs/${id}`),
    'its steps': get(`/v1/runs/${id}/steps`),
    'its events': get(`/v1/runs/${id}/events`),
    'why it is where it is': get(`/v1/runs/${id}/explain`),
    metrics: get('/metrics'),
    'a run of six steps': async () =>
      await times(async () => void (await ask(`${url}/v1/runs`, { workflow: 'six' }, { prefer: 'wait=60' }))),
  }
}

/** Copies of a run, one a second into the past. Of a thousand one in twenty has failed, of more one in a thousand: enough for a page. */
async function fill(client: pg.Client, id: string, size: number): Promise<void> {
  const columnsOf = async (table: string, but: readonly string[]) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1',
      [table],
    )
    return rows.map(({ name }) => name).filter(name => !but.includes(name))
  }
  const run = (await columnsOf('run', ['id', 'status', 'created_at', 'job_id', 'idempotency_key'])).join(', ')
  const step = await columnsOf('step', ['run_id'])
  const event = await columnsOf('event', ['run_id'])
  await client.query(
    `INSERT INTO run (id, job_id, status, created_at, ${run})
     SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % $3::int = 0 THEN 'failed' ELSE status END, created_at - make_interval(secs => n), ${run}
     FROM run, generate_series(1, $2::int) AS n WHERE id = $1`,
    [id, size - 1, size > 1000 ? 1000 : 20],
  )
  // A step and two events of each: enough to tell whether other runs are passed over or read.
  for (const [table, columns, which] of [
    ['step', step, "o.name = 's0'"],
    ['event', event, 'o.id <= 2'],
  ] as const)
    await client.query(
      `INSERT INTO ${table} (run_id, ${columns.join(', ')}) SELECT r.id, ${columns.map(name => `o.${name}`).join(', ')}
       FROM ${table} AS o, run AS r WHERE o.run_id = $1 AND r.id <> $1 AND ${which}`,
      [id],
    )
  await client.query('VACUUM ANALYZE')
}

async function times(work: () => Promise<void>): Promise<number> {
  const samples: number[] = []
  for (let i = 0; i < 20; i++) {
    const began = performance.now()
    await work()
    samples.push(performance.now() - began)
  }
  return median(samples)
}

async function ask<T>(url: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const answer = await request(url, {
    method: body === undefined ? 'GET' : 'POST',
    dispatcher: agent,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.body.text()
  if (answer.statusCode >= 300) throw new Error(text)
  return (text.startsWith('{') ? JSON.parse(text) : undefined) as T
}
