// The ceiling of the runtime: one session for each core in threads of this process, run in a loop with the longest batch
// that pays. Answers rows per second.

import { parentPort, Worker, workerData } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'

interface Loop {
  readonly path: string
  readonly width: number
  readonly rows: number
  readonly ms: number
}

/** Of the best of these batches. */
export async function bareRowsPerSecond(
  path: string,
  width: number,
  threads: number,
  ms: number,
  batches: readonly number[],
): Promise<number> {
  let best = 0
  for (const rows of batches) {
    const rates = await Promise.all(Array.from({ length: threads }, () => loop({ path, width, rows, ms })))
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
  const { path, width, rows, ms } = workerData as Loop
  const session = await InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  })
  const x = new Tensor('float32', new Float32Array(rows * width).fill(0.1), [rows, width])
  await session.run({ x })
  let runs = 0
  const started = performance.now()
  while (performance.now() - started < ms) {
    await session.run({ x })
    runs++
  }
  const seconds = (performance.now() - started) / 1000
  await session.release()
  parentPort.postMessage((runs * rows) / seconds)
}
