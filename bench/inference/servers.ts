// The Python servers that are measured beside ours, each in a virtual environment made once from its requirements.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../launcher/src/free-port.ts'
import { pythonWith } from '../pipeline/python.ts'
import { post, type Row, jsonShot, type Shot, values, widthOf } from './shots.ts'

const here = fileURLToPath(new URL('./python/', import.meta.url))
const cache = fileURLToPath(new URL('../../node_modules/.cache/bench/', import.meta.url))
type Ends = (() => unknown)[]

/** FastAPI and uvicorn with the model in the same process: of joblib, or of onnxruntime where the file ends in .onnx. */
export async function startFastApi(model: string, row: Row, ends: Ends, say: (text: string) => void): Promise<Shot> {
  const python = pythonWith(join(here, 'requirements.txt'), cache, say)
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  await start(python, [join(here, 'fastapi_server.py'), model, String(port)], `${url}/healthz`, ends)
  return post(`${url}/predict`, JSON.stringify({ rows: [values(widthOf(row))] }))
}

/** MLServer with its scikit-learn runtime, as it comes: a process for HTTP and one for models. */
export async function startMlServer(
  joblib: string,
  row: Row,
  { folder, ends, say }: { folder: string; ends: Ends; say: (text: string) => void },
): Promise<Shot> {
  const python = pythonWith(join(here, 'mlserver.txt'), cache, say)
  const [http_port, grpc_port, metrics_port] = await freePorts(3)
  const home = join(folder, 'mlserver')
  await mkdir(join(home, row.model), { recursive: true })
  const settings = { host: '127.0.0.1', http_port, grpc_port, metrics_port, debug: false }
  await writeFile(join(home, 'settings.json'), JSON.stringify(settings))
  const model = {
    name: row.model,
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: joblib, version: '1' },
  }
  await writeFile(join(home, row.model, 'model-settings.json'), JSON.stringify(model))
  const url = `http://127.0.0.1:${http_port}`
  const command = join(python, '..', 'mlserver')
  await start(command, ['start', home], `${url}/v2/models/${row.model}/ready`, ends)
  return jsonShot(url, row)
}

async function start(command: string, args: string[], readyUrl: string, ends: Ends): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  ends.push(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const ended = exited.then(() => Promise.reject(new Error(`${command} ended before it was ready`)))
  await Promise.race([ready(readyUrl), ended])
}

/** Resolves when the address answers with 200. */
export async function ready(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(url).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.status === 200) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
