// The floor of the flight pipeline: one Node process with DuckDB and onnxruntime, no services, no artefacts between
// the steps, nothing durable but the predictions. What the mesh adds is measured against this.
//
// node floor.ts INPUT.csv MODEL.onnx FEATURES.json THRESHOLD OUT.parquet     prints one JSON line

import { open, readFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { type DuckDBConnection, DuckDBInstance, DuckDBTableFunction, FLOAT } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import type { FittedFeatures } from '@meshwork/contracts'

const features = 7
const batchRows = 32_768
const workers = 2
const heldOut = `date >= TIMESTAMP '2001-06-01'`

const [input, model, fittedPath, threshold, output] = process.argv.slice(2) as [string, string, string, string, string]
const started = performance.now()
let lapStart = started
const steps: { name: string; seconds: number }[] = []
const lap = (name: string) => {
  const now = performance.now()
  steps.push({ name, seconds: (now - lapStart) / 1000 })
  lapStart = now
}

const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB' })
const connection = await instance.connect()

await connection.run(`
  CREATE TABLE raw AS SELECT * FROM read_csv('${input}', header = true, auto_detect = false, columns = {
    date: 'TIMESTAMP', delay: 'BIGINT', distance: 'BIGINT', origin: 'VARCHAR', destination: 'VARCHAR' })`)
lap('ingest')

await connection.run(`
  CREATE TABLE flights AS SELECT DISTINCT * FROM raw
  WHERE distance > 0 AND delay BETWEEN -180 AND 1440 AND COLUMNS(*) IS NOT NULL;
  DROP TABLE raw`)
lap('clean')

const fitted = JSON.parse(await readFile(fittedPath, 'utf8')) as FittedFeatures
const encoder = (name: string) => fitted.columns.find(column => column.name === name)?.fitted
for (const name of ['origin_rate', 'destination_rate', 'origin_frequency']) {
  const { categories = {}, default: otherwise = 0 } = encoder(name) ?? {}
  const keys = Object.keys(categories).map(key => `'${key}'`)
  await connection.run(
    `CREATE MACRO ${name}(code) AS coalesce(MAP([${keys.join()}], [${Object.values(categories).join()}]::DOUBLE[])[code], ${otherwise})::FLOAT`,
  )
}
const predictions = await predict(connection)
lap('features and inference')

let position = 0
connection.registerTableFunction(
  DuckDBTableFunction.create({
    name: 'predictions',
    bindFunction: bind => {
      bind.addResultColumn('probability', FLOAT)
      bind.setCardinality(predictions.length, true)
    },
    initFunction: () => {
      position = 0
    },
    mainFunction: (_, chunk) => {
      const rows = Math.min(2048, predictions.length - position)
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, 0)
      if (rows > 0)
        duckdb.copy_data_to_vector(
          vector,
          0,
          predictions.buffer as ArrayBuffer,
          predictions.byteOffset + position * 4,
          rows * 4,
        )
      chunk.rowCount = Math.max(0, rows)
      position += rows
    },
  }),
)
await connection.run(`
  SET threads = 1;
  CREATE TABLE scored AS SELECT *, delay > 15 AS delayed, CASE WHEN probability >= ${threshold} THEN 'at-risk' ELSE 'on-time' END AS risk
  FROM flights POSITIONAL JOIN predictions();
  SET threads = 2;
  COPY scored TO '${output}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2)`)
const file = await open(output, 'r+')
await file.sync()
await file.close()
lap('postprocess')

const one = async (sql: string) =>
  (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[]
const [metrics] = await one(`
  WITH judged AS (SELECT probability::DOUBLE AS p, delayed AS y, probability >= ${threshold} AS called FROM scored WHERE ${heldOut}),
  totals AS (SELECT count(*) AS n, sum(y::INT) AS pos, sum((y AND called)::INT) AS tp, sum((NOT y AND called)::INT) AS fp,
    sum((y AND NOT called)::INT) AS fn, avg((p - y::INT) ^ 2) AS brier,
    avg(-ln(CASE WHEN y THEN greatest(p, 1e-15) ELSE greatest(1 - p, 1e-15) END)) AS logLoss FROM judged),
  scores AS (SELECT p, count(*) AS n, sum(y::INT) AS pos FROM judged GROUP BY p),
  running AS (SELECT n - pos AS neg, pos, coalesce(sum(pos) OVER (ORDER BY p DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS above,
    sum(pos) OVER (ORDER BY p DESC) AS tp, sum(n) OVER (ORDER BY p DESC) AS called FROM scores),
  areas AS (SELECT sum(neg * (above + pos / 2.0)) AS auc, sum(pos * (tp / called)) AS ap FROM running)
  SELECT n::DOUBLE AS rows, (n - fp - fn) / n AS accuracy, tp / (tp + fp) AS precision, tp / pos AS recall,
    2 * tp / (2 * tp + fp + fn) AS f1, auc / (pos * (n - pos)) AS "rocAuc", ap / pos AS "prAuc", logLoss AS "logLoss", brier
  FROM totals, areas`)
lap('evaluate')
const top = await one(`
  SELECT origin, count(*)::INT AS flights, avg(delayed::INT) AS late, avg(probability::DOUBLE) AS predicted
  FROM scored GROUP BY origin ORDER BY flights DESC, origin LIMIT 20`)
const hours = await one(`
  SELECT hour(date)::INT AS hour, count(*)::INT AS flights, avg(delayed::INT) AS late, avg(probability::DOUBLE) AS predicted
  FROM scored GROUP BY 1 ORDER BY 1`)
const [sum] = await one('SELECT count(*)::INT AS rows, sum(probability::DOUBLE) AS sum FROM scored')
lap('aggregate')

const result = { rows: sum?.['rows'], probabilitySum: sum?.['sum'], metrics, top, hours: hours.length }
const seconds = (performance.now() - started) / 1000
console.log(JSON.stringify({ seconds, steps, peakRssBytes: process.resourceUsage().maxRSS * 1024, result }))
process.exitCode = 0

/** Reads the seven features batch by batch, and lets two sessions of one thread each work on them in turn. */
async function predict(from: DuckDBConnection): Promise<Float32Array> {
  const [count] = (await from.runAndReadAll('SELECT count(*) FROM flights')).getRows()[0] as [bigint]
  const results = new Float32Array(Number(count))
  const pool = Array.from(
    { length: workers },
    () => new Worker(new URL('./floor-worker.ts', import.meta.url), { workerData: { model, features } }),
  )
  const free: Worker[] = []
  const waiting: ((worker: Worker) => void)[] = []
  let running = 0
  let done = () => {}
  const release = (worker: Worker) => {
    const next = waiting.shift()
    if (next) next(worker)
    else free.push(worker)
    if (--running === 0) done()
  }
  for (const worker of pool) {
    free.push(worker, worker) // two batches each: one runs while the next arrives
    worker.on('message', ({ at, scores }: { at: number; scores: Float32Array }) => {
      results.set(scores, at)
      release(worker)
    })
    worker.on('error', error => {
      throw error
    })
  }
  const take = async () => free.shift() ?? (await new Promise<Worker>(resolve => waiting.push(resolve)))
  const stream = await from.stream(`
    SELECT hour(date)::FLOAT, (hour(date) * 60 + minute(date))::FLOAT, dayofweek(date)::FLOAT, distance::FLOAT,
      origin_rate(origin), destination_rate(destination), origin_frequency(origin) FROM flights`)
  let at = 0
  let batch = new Float32Array(batchRows * features)
  let filled = 0
  const flush = async () => {
    running++
    const worker = await take()
    const scores = batch.subarray(0, filled * features)
    worker.postMessage({ at, rows: filled, values: scores }, [scores.buffer])
    at += filled
    filled = 0
    batch = new Float32Array(batchRows * features)
  }
  for (let chunk = await stream.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await stream.fetchChunk()) {
    if (filled + chunk.rowCount > batchRows) await flush()
    for (let column = 0; column < features; column++) {
      const { items } = chunk.getColumnVector(column) as unknown as { items: Float32Array }
      for (let i = 0, place = filled * features + column; i < chunk.rowCount; i++, place += features)
        batch[place] = items[i] as number
    }
    filled += chunk.rowCount
  }
  await new Promise<void>(resolve => {
    done = resolve
    void flush()
  })
  for (const worker of pool) worker.postMessage('stop')
  return results
}
