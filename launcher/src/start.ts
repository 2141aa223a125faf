// npm start: the mesh with its state in .meshwork, until Ctrl-C.

import { parseArgs } from 'node:util'
import { formatLine } from './lines.ts'
import { startMesh } from './mesh.ts'
import { seedMesh } from './seed.ts'

const usage = `npm start -- [--dir .meshwork] [--port 8080] [--stage name=http://host:port ...] [--raw]

  --dir     folder for state and artefacts (default .meshwork)
  --port    port of the gateway on 127.0.0.1 (default 8080; 0 takes a free one)
  --stage   a stage of yours that runs already; may be given several times
  --raw     log lines as JSON
`

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: '.meshwork' },
    port: { type: 'string', default: '8080' },
    stage: { type: 'string', multiple: true, default: [] },
    raw: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const port = Number(values.port)
const stages = values.stage.map(text => {
  const [, name, url] = /^([a-z][a-z0-9-]*)=(https?:\/\/.+)$/.exec(text) ?? []
  if (name === undefined || url === undefined) fail(`--stage ${text} is not name=http://host:port`)
  return { name, url }
})
if (!Number.isInteger(port) || port < 0 || port > 65_535) fail(`--port ${values.port} is not a port`)

const style = { colour: process.stdout.isTTY, raw: values.raw }
const order: string[] = []
const onLine = (name: string, line: string) => {
  if (!order.includes(name)) order.push(name)
  console.log(formatLine(name, line, order.indexOf(name), style))
}
const onRestart = (name: string, how: string, delayMs: number) =>
  onLine(name, `died (${how}); starting again in ${delayMs} ms`)

try {
  const mesh = await startMesh({ folder: values.dir, stages, onLine, onRestart, ...(port === 0 ? {} : { port }) })
  let ending = false
  const end = () => {
    if (ending) process.exit(1)
    ending = true
    void mesh.end().then(() => process.exit(0))
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
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
  fail(error instanceof Error ? error.message : String(error))
}

function fail(message: string): never {
  console.error(`npm start: ${message}\n\n${usage}`)
  process.exit(1)
}
