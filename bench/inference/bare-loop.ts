// The ceiling of the runtime: one session for each core in threads of this process, run in a loop with the longest batch
// that pays. Answers rows per second.

import { parentPort, Worker, workerData } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { type Row, widthOf } from './shots.ts'

interface Loop extends Row {
  readonly path: string
  readonly rows: number
  readonly ms: number
}

/** Of the best of these batches; each is run for a share of `ms`. */
export async function bareRowsPerSecond(
  path: string,
  row: Row,
  ms: number,
  threads: number,
  batches: readonly number[],
): Promise<number> {
  let best = 0
  for (const rows of batches) {
    const data = { ...row, path, rows, ms: ms / batches.length }
    const rates = await Promise.all(Array.from({ length: threads }, () => loop(data)))
    best = Math.max(
      best,
      rates.reduce((sum, rate) => sum + rate, 0),
    )
  }
  return best
}

async function loop(data: Loop): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { workerData: data })
  return await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

if (parentPort !== null) {
  const { path, input, shape, rows, ms } = workerData as Loop
  const session = await InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  })
  const data = new Float32Array(rows * widthOf({ shape })).fill(0.1)
  const feeds = { [input]: new Tensor('float32', data, [rows, ...shape]) }
  await session.run(feeds)
  let runs = 0
  const started = performance.now()
  while (performance.now() - started < ms) {
    await session.run(feeds)
    runs++
  }
  const seconds = (performance.now() - started) / 1000
  await session.release()
  parentPort.postMessage((runs * rows) / seconds)
}
