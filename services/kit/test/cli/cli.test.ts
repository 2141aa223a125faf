// meshwork-stage: stages on files, scripts as stages, and addresses against the protocol.

import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DatasetRef } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { checkConformance } from '../../src/cli/conformance.ts'
import { exportFile, importFile } from '../../src/cli/files.ts'
import { stage as planner } from '../fixture/planner.ts'
import { wrapStage } from '../../src/cli/wrap.ts'
import { logCapture, startStage, temporaryStore } from '../../src/testing/index.ts'
import { inline } from '../fixture/probe.ts'

const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const script = fileURLToPath(new URL('../fixture/extract.py', import.meta.url))
const copier = fileURLToPath(new URL('../fixture/halve.ts', import.meta.url))
const people = 'name,value\nAda,1\nBen,\nCat,3\n'

async function folderOf(t: Test, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-cli-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const run = (cwd: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise(resolve => {
    const child = execFile(process.execPath, [cli, ...args], { cwd }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })

t.test('a stage on a file', async t => {
  const folder = await folderOf(t, {
    'a.csv': people,
    'rules.json': '{ "rules": [{ "rule": "filter", "where": "value > 1" }] }',
    'wrong.json': '{ "rules": [{ "rule": "filtre" }] }',
    'broken.json': '{',
  })

  await t.test('what the stage made stands in the file, in the format of its name', async t => {
    const made = await run(folder, 'clean', '--in', 'a.csv', '--out', 'b.csv', '--with', 'rules.json')
    t.equal(made.code, 0, made.err)
    t.equal(await readFile(join(folder, 'b.csv'), 'utf8'), 'name,value\nCat,3\n')
    t.equal((await run(folder, 'ingest', '--in', 'a.csv', '--out', 'a.parquet')).code, 0)
    t.equal(readFileSync(join(folder, 'a.parquet')).subarray(0, 4).toString(), 'PAR1')
    const back = await run(folder, 'clean', '--in', 'a.parquet', '--out', 'b.ndjson', '--with', 'rules.json')
    t.equal(back.code, 0, back.err)
    t.same(JSON.parse(await readFile(join(folder, 'b.ndjson'), 'utf8')), { name: 'Cat', value: 3 })
  })

  await t.test('without a file to write, the answer is printed as JSON', async t => {
    const { code, out } = await run(folder, 'clean', '--in', 'a.csv', '--with', 'rules.json', '--json')
    t.equal(code, 0)
    t.match(JSON.parse(out), { dataset: { kind: 'dataset', rows: 1 } })
  })

  await t.test('a problem is told by its code, with exit code 1', async t => {
    const { code, err } = await run(folder, 'clean', '--in', 'a.csv', '--with', 'wrong.json')
    t.equal(code, 1)
    t.match(err, /^MESHWORK_REQUEST_INVALID: .*"filter"/)
  })

  for (const [title, args, told] of [
    ['an unknown stage', ['claen', '--in', 'a.csv'], /there is no stage "claen"; did you mean "clean"\?/],
    ['parameters that are not JSON', ['clean', '--in', 'a.csv', '--with', 'broken.json'], /broken\.json is not JSON/],
    ['a format that cannot be written', ['clean', '--in', 'a.csv', '--out', 'b.xls', '--with', 'rules.json'], /b\.xls/],
    ['an option that is not known', ['clean', '--inn', 'a.csv'], /--inn/],
    ['a file that is not there', ['clean', '--in', 'none.csv', '--with', 'rules.json'], /there is no file none\.csv/],
    [
      'a folder that is not there',
      ['clean', '--in', 'a.csv', '--out', 'no/b.csv'],
      /there is no folder for no\/b\.csv/,
    ],
    ['no input', ['clean'], /give --in FILE/],
  ] as const)
    await t.test(`${title} is told, with exit code 2`, async t => {
      const { code, err } = await run(folder, ...args)
      t.equal(code, 2)
      t.match(err, told)
      t.notMatch(err, /^\s+at /m, 'no stack')
    })

  await t.test('--help lists the parameters of the stage', async t => {
    const { code, out } = await run(folder, 'clean', '--help')
    t.equal(code, 0)
    t.match(out, /rules +.*\(needed\)/)
  })
})

t.test('a Python script as a stage, unchanged', async t => {
  const store = await temporaryStore(t)
  const folder = await folderOf(t, { 'a.csv': 'name,value\nAda,1\nCat,3\n' })
  const { log } = logCapture()
  const { dataset } = await importFile(store, join(folder, 'a.csv'), log, new AbortController().signal)
  const command = ['python3', script, '{in}', '{out}', '{params}']
  const wrapped = wrapStage({ name: 'extract', version: '1.0.0', command })
  const { url } = await startStage(t, wrapped, import.meta.url, { store })
  const call = async (body: object, signal?: AbortSignal) => {
    const answer = await request(`${url}/v1/extract`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ dataset, ...body }),
      signal: signal ?? null,
    })
    return { status: answer.statusCode, body: (await answer.body.json()) as { dataset: DatasetRef } }
  }

  await t.test('what it writes is a dataset, with its parameters applied', async t => {
    const { status, body } = await call({ params: { factor: 10 } })
    t.equal(status, 200, JSON.stringify(body))
    t.match(body, { rows: 2, columns: [{ name: 'name', type: 'string' }, { name: 'double' }] })
  })

  await t.test('with Parquet in and out it reads and writes typed columns', async t => {
    const parquet = wrapStage({ name: 'copy', version: '1.0.0', command: [process.execPath, copier, '{in}', '{out}'] })
    const { url } = await startStage(t, parquet, import.meta.url, { store })
    const answer = await request(`${url}/v1/copy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ dataset, format: 'parquet', params: { column: 'value' } }),
    })
    const body = (await answer.body.json()) as { dataset: DatasetRef }
    t.equal(answer.statusCode, 200, JSON.stringify(body))
    t.match(body, {
      rows: 2,
      columns: [{ name: 'name', type: 'string' }, { name: 'value', type: 'int64' }, { name: 'half' }],
    })
    const back = join(folder, 'back.csv')
    await exportFile(store, body.dataset, back, folder, 'csv')
    t.equal(await readFile(back, 'utf8'), 'name,value,half\nAda,1,0.5\nCat,3,1.5\n')
  })

  await t.test('what it says when it fails reaches the caller', async t => {
    const { status, body } = await call({ params: { fail: true } })
    t.equal(status, 422)
    t.match(body, { code: 'WRAPPED_COMMAND_FAILED', retryable: false, detail: /exit code 3: row 2 has no name/ })
  })

  await t.test('one that writes nothing has failed', async t => {
    t.match((await call({ params: { silent: true } })).body, { code: 'WRAPPED_COMMAND_FAILED' })
  })

  await t.test('it ends with everything it started when its caller has gone', async t => {
    const file = join(folder, 'pid')
    const leave = new AbortController()
    const hung = call({ params: { hang: file } }, leave.signal)
    hung.catch(() => {})
    while (!existsSync(file) || readFileSync(file, 'utf8') === '') await new Promise(resolve => setImmediate(resolve))
    const pid = readFileSync(file, 'utf8')
    const alive = () => {
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      } catch {
        return false
      }
    }
    t.ok(alive(), 'the script had started a process')
    leave.abort()
    await t.rejects(hung)
    while (alive()) await new Promise(resolve => setImmediate(resolve))
  })

  await t.test('a command without a place for its files is refused', async t => {
    t.throws(() => wrapStage({ name: 'x', version: '1.0.0', command: ['python3', script, '{in}'] }), {
      message: /\{out\}/,
    })
  })

  await t.test('served by the command it holds the protocol, work included, and ends when asked', async t => {
    const child = fork(cli, ['wrap', '--name', 'extract', '--store', fileURLToPath(store.url), '--', ...command], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const [message] = (await once(child, 'message')) as [{ url: string }]
    const checks = await checkConformance(message.url, { dataset })
    t.same(
      checks.filter(({ fault }) => fault !== undefined),
      [],
    )
    t.equal(checks.length, 14)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    t.same(await exit, [0, null])
  })
})

t.test('conformance', async t => {
  await t.test('a stage of the kit conforms, and the command says so', async t => {
    const { url } = await startStage(t, inline, import.meta.url)
    const folder = await folderOf(t, { 'body.json': '{"act":"echo"}' })
    const { code, out } = await run(folder, 'conformance', `${url}/`, '--body', 'body.json')
    t.equal(code, 0, out)
    t.match(out, /\d+ hold, 0 do not/)
  })

  await t.test('a stage that plans is asked for plans', async t => {
    const { url } = await startStage(t, planner, new URL('../fixture/planner.ts', import.meta.url))
    const checks = await checkConformance(url, {})
    t.same(
      checks.filter(({ fault }) => fault !== undefined),
      [],
    )
    t.equal(checks.filter(({ what }) => /\bplan/.test(what)).length, 2)
  })

  await t.test('each promise that an address breaks is named', async t => {
    const info = {
      name: 'odd',
      version: '1.0.0',
      summary: 'Odd.',
      contracts: [{ major: 1, path: '/v1/odd', input: {}, output: { type: 'object', required: ['rows'] } }],
      columns: { requires: [], produces: [] },
      capabilities: { plan: true, progress: true, idempotency: true },
    }
    let answers = 0
    const server = createServer((request, response) => {
      request.resume()
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(request.url === '/v1/stage' ? info : { answer: answers++ }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const checks = await checkConformance(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {})
    const held = checks.filter(({ fault }) => fault === undefined).map(({ what }) => what)
    t.same(held, [
      'GET /v1/stage describes the stage',
      'its path is /v<major>/<name>',
      'GET /healthz answers 200',
      'GET /readyz answers 200',
      'Accept: text/event-stream is answered with events or JSON',
    ])
    t.equal(checks.length, 16, 'the rest are named as broken')
  })

  await t.test('an address where nothing listens is a failure', async t => {
    const checks = await checkConformance('http://127.0.0.1:1')
    t.equal(checks.length, 1)
    t.ok(checks[0]?.fault)
  })
})
