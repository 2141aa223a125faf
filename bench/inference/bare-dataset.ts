// The bare loop over a dataset: DuckDB reads the Parquet files, sessions of one thread in as many threads as there are
// cores run them, the predictions are kept in memory. Nothing is checked, written or hashed.
//
// node bare-dataset.ts MODEL.onnx COLUMN,COLUMN,… FILE.parquet …     prints the seconds of it, without the start

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DuckDBInstance } from '@duckdb/node-api'

const batchRows = 32_768
const [model, names, ...files] = process.argv.slice(2) as [string, string, ...string[]]
const features = names.split(',').length
const connection = await (await DuckDBInstance.create(':memory:')).connect()
const main = new URL('../pipeline/floor-worker.ts', import.meta.url)
const pool = Array.from({ length: availableParallelism() }, () => new Worker(main, { workerData: { model, features } }))
const free: Worker[] = []
const waiting: ((worker: Worker) => void)[] = []
const underWay = new Map<number, () => void>()
let results = new Float32Array(batchRows)
for (const worker of pool) {
  worker.on('message', ({ at, scores }: { at: number; scores: Float32Array }) => {
    results.set(scores, at)
    const next = waiting.shift()
    if (next) next(worker)
    else free.push(worker)
    underWay.get(at)?.()
    underWay.delete(at)
  })
  worker.on('error', error => {
    throw error
  })
}
// Warm: a batch for each, which it answers when its session is there.
await Promise.all(pool.map((worker, i) => sent(worker, i, new Float32Array(features))))
free.push(...pool) // twice: one batch runs while the next one arrives
const list = files.map(file => `'${file.replaceAll("'", "''")}'`).join()
const [count] = (await connection.runAndReadAll(`SELECT count(*) FROM read_parquet([${list}])`)).getRows()[0] as [
  bigint,
]
results = new Float32Array(Number(count))

const started = performance.now()
const stream = await connection.stream(`SELECT ${names} FROM read_parquet([${list}])`)
const all: Promise<void>[] = []
let at = 0
let batch = new Float32Array(batchRows * features)
let filled = 0
for (let chunk = await stream.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await stream.fetchChunk()) {
  if (filled + chunk.rowCount > batchRows) await flush()
  for (let column = 0; column < features; column++) {
    const { items } = chunk.getColumnVector(column) as unknown as { items: Float32Array }
    for (let i = 0, place = filled * features + column; i < chunk.rowCount; i++, place += features)
      batch[place] = items[i] as number
  }
  filled += chunk.rowCount
}
await flush()
await Promise.all(all)
const seconds = (performance.now() - started) / 1000
for (const worker of pool) worker.postMessage('stop')
connection.closeSync()
console.log(JSON.stringify({ seconds, rows: results.length }))

async function flush(): Promise<void> {
  const worker = free.pop() ?? (await new Promise<Worker>(resolve => waiting.push(resolve)))
  all.push(sent(worker, at, batch.subarray(0, filled * features)))
  at += filled
  filled = 0
  batch = new Float32Array(batchRows * features)
}

async function sent(worker: Worker, place: number, rows: Float32Array): Promise<void> {
  const answered = new Promise<void>(resolve => underWay.set(place, resolve))
  worker.postMessage({ at: place, rows: rows.length / features, values: rows }, [rows.buffer as ArrayBuffer])
  await answered
}
