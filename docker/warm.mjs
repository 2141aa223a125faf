// node warm.mjs FOLDER: starts the service in FOLDER once and ends it, while its image is built. What Node compiles is
// kept in the image, which makes every later start quicker; and an image whose service does not start, or does not
// end with 0 after SIGTERM, is not built.

import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [folder = ''] = process.argv.slice(2)
const timeoutMs = 300_000 // ten images may be built at once on a small machine
const { name } = JSON.parse(readFileSync(join(folder, 'service/package.json'), 'utf8'))
const state = mkdtempSync(join(tmpdir(), 'warm-'))
const settings = {
  '@meshwork/orchestrator': { MESHWORK_STATE_DIR: join(state, 'state') },
  '@meshwork/gateway': { MESHWORK_ORCHESTRATOR_URL: 'http://127.0.0.1:9', MESHWORK_STORE_URL: `file://${state}/store` },
}[name] ?? { MESHWORK_STORE_URL: `file://${state}/store` }

const child = fork('service/src/main.ts', [], {
  cwd: folder,
  execArgv: [],
  env: { ...process.env, ...settings, NODE_COMPILE_CACHE: join(folder, 'cache'), ORT_DISABLE_TELEMETRY: '1' },
})
const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
child.on('message', message => {
  if (message?.type === 'listening') child.kill('SIGTERM')
})
child.on('exit', (code, signal) => {
  clearTimeout(timer)
  rmSync(state, { recursive: true, force: true })
  if (code !== 0) console.error(`${name} ended with ${signal ?? `exit code ${code}`}`)
  process.exitCode = code === 0 ? 0 : 1
})
