// The floor: walks the same runs with the same HTTP calls in front and behind, and with every transition durable in
// PostgreSQL before what follows from it; group commit, one statement for all runs that wait. No queue, no leases, no
// definitions, no types, no checks. Started with: address of the stages, URL of the database.

import Fastify from 'fastify'
import pg from 'pg'
import { Agent, request } from 'undici'

interface Transition {
  readonly run: string
  readonly events: readonly string[]
  readonly value: number
}

const [, , stages = '', databaseUrl = ''] = process.argv
const agent = new Agent({ connections: 256 })
const client = new pg.Client({ connectionString: databaseUrl })
await client.connect()
await client.query(`
  CREATE TABLE floor_run (id uuid PRIMARY KEY, value int NOT NULL, events int NOT NULL, changed_at timestamptz NOT NULL);
  CREATE TABLE floor_event (run uuid NOT NULL, n int NOT NULL, type text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (run, n))`)

let waiting: { transition: Transition; done: () => void; failed: (error: unknown) => void }[] = []
let writing = false

async function write(transition: Transition): Promise<void> {
  const written = new Promise<void>((done, failed) => waiting.push({ transition, done, failed }))
  if (!writing) void writeAll()
  await written
}

/** A run has at most one transition in a batch unless it fans out; then they are written one after the other. */
async function writeAll(): Promise<void> {
  writing = true
  while (waiting.length > 0) {
    await new Promise(resolve => setImmediate(resolve))
    const runs = new Set<string>()
    const batch = waiting.filter(({ transition }) => !runs.has(transition.run) && runs.add(transition.run))
    waiting = waiting.filter(each => !batch.includes(each))
    try {
      await client.query({
        name: 'write',
        text: writeSql,
        values: [JSON.stringify(batch.map(each => each.transition))],
      })
      for (const { done } of batch) done()
    } catch (error) {
      for (const { failed } of batch) failed(error)
    }
  }
  writing = false
}

const writeSql = `
  WITH t AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS t(run uuid, events jsonb, value int)
  ), u AS (
    INSERT INTO floor_run AS r (id, value, events, changed_at) SELECT run, value, jsonb_array_length(events), clock_timestamp() FROM t
    ON CONFLICT (id) DO UPDATE SET value = excluded.value, events = r.events + excluded.events, changed_at = excluded.changed_at
    RETURNING id, events
  )
  INSERT INTO floor_event SELECT u.id, u.events - jsonb_array_length(t.events) + e.place, e.value, clock_timestamp()
  FROM u JOIN t ON t.run = u.id, jsonb_array_elements_text(t.events) WITH ORDINALITY AS e(value, place)`

async function call(value: number, key: string): Promise<number> {
  const answer = await request(`${stages}/v1/nothing`, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ value }),
  })
  if (answer.statusCode !== 200) throw new Error(await answer.body.text())
  return ((await answer.body.json()) as { value: number }).value
}

const app = Fastify()
app.post<{ Body: { steps: number } }>('/chain', async ({ body: { steps } }) => {
  const run = crypto.randomUUID()
  let value = 0
  await write({ run, events: ['run.created'], value })
  await write({ run, events: ['run.started', 's0 started'], value })
  for (let step = 0; step < steps; step++) {
    value = await call(value, `${run}/s${step}`)
    const next = step + 1 < steps ? `s${step + 1} started` : 'run.succeeded'
    await write({ run, events: [`s${step} succeeded`, next], value })
  }
  return { value }
})
/** A list of calls, so many at one time. What is answered in one turn is written in one transition. */
app.post<{ Body: { items: number; width: number } }>('/fan', async ({ body: { items, width } }) => {
  const run = crypto.randomUUID()
  await write({ run, events: ['run.created'], value: 0 })
  let next = 0
  let done = 0
  let events: string[] = []
  let flushed: Promise<void> | undefined
  const told = async (...of: string[]) => {
    events.push(...of)
    flushed ??= new Promise(resolve => setImmediate(resolve)).then(async () => {
      const batch = events
      events = []
      flushed = undefined
      await write({ run, events: batch, value: done })
    })
    await flushed
  }
  await Promise.all(
    Array.from({ length: Math.min(width, items) }, async () => {
      for (let item = next++; item < items; item = next++) {
        await told(`${item} started`)
        await call(item, `${run}/${item}`)
        done++
        await told(`${item} succeeded`)
      }
    }),
  )
  await write({ run, events: ['run.succeeded'], value: done })
  return { value: done }
})
process.once(
  'SIGTERM',
  () =>
    void app
      .close()
      .then(async () => await client.end())
      .then(() => process.exit(0)),
)
process.send?.({ url: await app.listen({ port: 0, host: '127.0.0.1' }) })
