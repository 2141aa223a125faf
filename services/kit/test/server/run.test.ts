// A service as a process, told to end at awkward moments.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'

const main = fileURLToPath(new URL('../fixture/probe-main.ts', import.meta.url))

function start(t: Test): ChildProcess {
  const child = fork(main, [], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, MESHWORK_STORE_URL: pathToFileURL(t.testdir()).href, MESHWORK_LOG_LEVEL: 'info' },
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

t.test('a service that is told to end at the moment it listens ends well', async t => {
  const child = start(t)
  child.on('message', () => child.kill('SIGTERM'))
  t.same(await once(child, 'exit'), [0, null])
})

t.test('a service that is told to end at its first line of log ends well', async t => {
  const child = start(t)
  child.stdout?.once('data', () => child.kill('SIGTERM'))
  t.same(await once(child, 'exit'), [0, null])
})

t.test('a store that cannot be used is told in one line, with its key', async t => {
  const folder = t.testdir({ file: 'not a folder' })
  const child = fork(main, [], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, MESHWORK_STORE_URL: pathToFileURL(`${folder}/file/store`).href },
  })
  t.teardown(() => child.kill('SIGKILL'))
  let told = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    told += chunk.toString()
  })
  t.same(await once(child, 'close'), [1, null])
  t.match(told, /^meshwork probe: MESHWORK_STORE_URL: .*ENOTDIR.*\n$/)
})
