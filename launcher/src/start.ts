// npm start: the mesh with its state in .meshwork, until Ctrl-C.

import { formatLine } from './lines.ts'
import { startMesh } from './mesh.ts'
import { readOptions, wrongCall } from './options.ts'
import { seedMesh } from './seed.ts'

const usage = `npm start -- [--dir .meshwork] [--port 8080] [--stage name=http://host:port ...] [--raw]

  --dir     folder for state and artefacts (default .meshwork)
  --port    port of the gateway on 127.0.0.1 (default 8080; 0 takes a free one)
  --stage   a stage of yours that runs already; may be given several times
  --raw     log lines as JSON
`

const command = 'npm start'
const values = readOptions(command, {
  dir: { type: 'string', default: '.meshwork' },
  port: { type: 'string', default: '8080' },
  stage: { type: 'string', multiple: true, default: [] },
  raw: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const port = Number(values.port)
const stages = values.stage.map(text => {
  const [, name, url] = /^([a-z][a-z0-9-]*)=(https?:\/\/.+)$/.exec(text) ?? []
  if (name === undefined || url === undefined) wrongCall(command, `--stage ${text} is not name=http://host:port`)
  return { name, url }
})
if (!Number.isInteger(port) || port < 0 || port > 65_535)
  wrongCall(command, `--port ${values.port} is not a port; give a number from 0 to 65535`)

const style = { colour: process.stdout.isTTY, raw: values.raw }
const order: string[] = []
const onLine = (name: string, line: string) => {
  if (!order.includes(name)) order.push(name)
  console.log(formatLine(name, line, order.indexOf(name), style))
}
const onRestart = (name: string, how: string, delayMs: number) =>
  onLine(name, `died (${how}); starting again in ${delayMs} ms`)

const stopping = new AbortController()
let end: (() => Promise<void>) | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(1)
    stopping.abort(new Error(`${signal} was received`))
    // While it starts, the mesh ends by itself what it has started.
    if (end) void end().then(() => process.exit(0))
  })

try {
  const { signal } = stopping
  const mesh = await startMesh({ folder: values.dir, stages, onLine, onRestart, signal, ...(port && { port }) })
  end = async () => await mesh.end()
  const { workflows } = await seedMesh(mesh.url)
  console.log(`
Meshwork is ready.

  address     ${mesh.url}
  API page    ${mesh.url}/docs
  workflows   ${workflows.join(', ')}
  state       ${values.dir}

Ctrl-C ends it; npm start takes it up again.
`)
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(`${command}: ${error instanceof Error ? error.message : String(error)}`)
    await end?.()
    process.exit(1)
  }
}
