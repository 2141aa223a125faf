import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { checkServer } from '../src/conformance/run.ts'
import { float } from './repository-folder.ts'
import { serve } from './serving.ts'

const sum = { inputs: [float('x', 2)], outputs: [float('y', 1)] }
const main = fileURLToPath(new URL('../src/conformance/main.ts', import.meta.url))
const command = async (...args: string[]) =>
  await new Promise<{ code: number; output: string }>(resolve =>
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    ),
  )

t.test('our server keeps every rule, and claims every extension that is checked', { timeout: 120_000 }, async t => {
  const { url } = await serve(t, { sum: ['sum', sum] })
  const { findings, model } = await checkServer(url)
  t.equal(model, 'sum')
  t.same(
    findings.filter(({ kind }) => kind !== 'kept'),
    [],
  )
  t.ok(findings.length > 25)
  const { code, output } = await command(url, '--model', 'sum')
  t.equal(code, 0)
  t.match(output, /meshwork 1\.1\.0, model sum[\s\S]*checks, 0 broken/)
})

t.test('a server that breaks rules is told which', { timeout: 120_000 }, async t => {
  const { url } = await serve(t, { sum: ['sum', sum] })
  // It passes requests on and spoils the answers: 500 for every refusal, and an id that nobody gave.
  const spoiling = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { host: _, connection: _c, 'content-length': _l, 'transfer-encoding': _t, ...headers } = request.headers
      const init =
        request.method === 'POST'
          ? { method: 'POST', body: Buffer.concat(chunks), headers: headers as Record<string, string> }
          : {}
      const answer = await fetch(`${url}${request.url}`, init)
      const text = await answer.text()
      response.statusCode = answer.status === 200 ? 200 : 500
      response.end(text.startsWith('{"model_name"') ? text.replace('{', '{"id":null,') : text)
    })()
  })
  await new Promise<void>(resolve => spoiling.listen(0, '127.0.0.1', resolve))
  t.teardown(() => spoiling.close())
  const { findings } = await checkServer(`http://127.0.0.1:${(spoiling.address() as AddressInfo).port}`)
  const broken = findings.filter(({ kind }) => kind === 'broken').map(({ what }) => what)
  t.ok(broken.includes('an unknown model is a 404'))
  t.ok(broken.includes('what is not JSON is a 4xx with the reason'))
  t.ok(broken.some(what => what.startsWith('JSON in, JSON out')))
  t.notOk(broken.includes('it is alive'))
})

t.test('nothing to check is told', { timeout: 120_000 }, async t => {
  t.match(await command('http://127.0.0.1:1'), { code: 2, output: /fetch failed/ })
  t.match(await command(), { code: 2, output: /npm run conformance/ })
})
