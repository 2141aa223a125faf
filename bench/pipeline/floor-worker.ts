import { parentPort, workerData } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'

const { model, features } = workerData as { model: string; features: number }
const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 })
const [inputName] = session.inputNames as [string]

type Message = 'stop' | { readonly at: number; readonly rows: number; readonly values: Float32Array }

parentPort?.on('message', (message: Message) => void work(message))

async function work(message: Message): Promise<void> {
  if (message === 'stop') {
    await session.release()
    parentPort?.close()
    return
  }
  const { at, rows, values } = message
  const answer = await session.run({ [inputName]: new Tensor('float32', values, [rows, features]) }, ['probabilities'])
  const both = (answer['probabilities'] as Tensor).data as Float32Array
  const scores = new Float32Array(rows)
  for (let i = 0; i < rows; i++) scores[i] = both[2 * i + 1] as number
  parentPort?.postMessage({ at, scores }, [scores.buffer])
}
