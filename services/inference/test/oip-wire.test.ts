// What reaches the protocol from callers that misbehave, leave, or come late: on sockets, with a model as slow as it is told.

import { once } from 'node:events'
import { connect } from 'node:net'
import { readResources } from '@meshwork/kit'
import t from 'tap'
import { float } from './repository-folder.ts'
import { serve, type Server } from './serving.ts'

const sum = { inputs: [float('x', 2)], outputs: [float('y', 1)] }
const spin = {
  inputs: [{ name: 'n', type: 'int64', shape: [-1] }],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
}
const oneWorker = { resources: { ...readResources(), cpus: 1, memoryBytes: 4e9 } }
const turns = (n: number) => [{ name: 'n', shape: [1], datatype: 'INT64', data: [n] }]
const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }

/** Everything that the server says to these bytes, until it closes or has said `until`. */
async function said({ url }: Server, bytes: string, until: RegExp, end = false): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  const done = new Promise<void>(resolve => {
    socket.on('data', chunk => {
      text += String(chunk)
      if (until.test(text)) resolve()
    })
    socket.on('close', () => resolve())
    socket.on('error', () => resolve())
  })
  await once(socket, 'connect')
  if (end) socket.end(bytes)
  else socket.write(bytes)
  await done
  socket.destroy()
  return text
}

t.test('bodies that are cut off, chunked, pipelined, or sent with the wrong verb', { timeout: 120_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] })
  const body = JSON.stringify({ inputs: [x] })
  const head = 'POST /v2/models/sum/infer HTTP/1.1\r\nhost: a\r\n'
  await said(server, `${head}content-length: 5000\r\n\r\n${body}`, /\r\n\r\n/, true)
  const chunked = `${head}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  t.match(await said(server, chunked, /"data"/), /200 OK[\s\S]*"data":\[3\]/)
  const one = `${head}content-length: ${body.length}\r\n\r\n${body}`
  const both = await said(server, one + one, /"data"[\s\S]*"data"/)
  t.equal(both.match(/"data":\[3\]/g)?.length, 2, 'two requests on one connection, one after the other')
  for (const [method, path, allow] of [
    ['GET', '/v2/models/sum/infer', 'POST'],
    ['GET', '/v2/repository/index', 'POST'],
    ['POST', '/v2/health/live', 'GET'],
    ['DELETE', '/v2/models/sum/versions/1', 'GET'],
  ] as const) {
    const answer = await server.call(path, { method })
    t.equal(answer.status, 405, path)
    t.equal(answer.headers.get('allow'), allow)
    t.match(answer.json.error, /Method Not Allowed/)
  }
  for (const [path, status] of [
    [`/v2/models/${'m'.repeat(300)}`, 414],
    [`/v2/models/sum/versions/${'1'.repeat(300)}/infer`, 414],
    ['/v2/models/%zz/infer', 400],
  ] as const) {
    const answer = await server.call(path)
    t.equal(answer.status, status, path)
    t.match(answer.json, { error: /./ })
    t.match(answer.headers.get('content-type'), /^application\/json/)
  }
  const elsewhere = await server.call('/v2models/%zz')
  t.match([elsewhere.status, elsewhere.headers.get('content-type')], [400, /^application\/problem\+json/])
  t.equal((await server.infer('sum', [x])).status, 200, 'and it goes on')
  server.drain()
  t.equal((await server.call('/v2/health/ready')).status, 503, 'when it is to end it asks for no more')
  t.equal((await server.infer('sum', [x])).status, 200, 'and answers what still comes')
})

t.test('bodies that are being read are bounded together', { timeout: 120_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] }, { MESHWORK_INFERENCE_IN_FLIGHT_BYTES: '2000' })
  const body = JSON.stringify({ inputs: [x] })
  const slow = connect(Number(new URL(server.url).port), '127.0.0.1')
  t.teardown(() => slow.destroy())
  slow.write(`POST /v2/models/sum/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 1990\r\n\r\n`)
  let refused = await server.infer('sum', [x])
  while (refused.status === 200) refused = await server.infer('sum', [x])
  t.equal(refused.status, 503)
  t.match(refused.json.error, /1990 bytes are in memory, with this one more than 2000/)
  t.equal(refused.headers.get('retry-after'), '1')
  slow.write(body.padEnd(1990))
  await once(slow, 'data')
  t.equal((await server.infer('sum', [x])).status, 200, 'and it goes on when there is room')
})

t.test(
  'a caller that leaves is forgotten, and one that comes too late is told, while the worker is busy',
  { timeout: 120_000 },
  async t => {
    const server = await serve(t, { spin: ['spin', spin] }, {}, oneWorker)
    const pending = async (count: number) => {
      while (!(await server.metrics()).includes(`requests_pending{model="spin",version="1"} ${count}`)) continue
    }
    const slow = server.infer('spin', turns(2_000_000))
    await pending(1)
    const leaving = new AbortController()
    const left = server
      .call('/v2/models/spin/infer', {
        method: 'POST',
        body: JSON.stringify({ inputs: turns(1) }),
        signal: leaving.signal,
      })
      .catch((error: Error) => error.name)
    await pending(2)
    const late = await server.infer('spin', turns(1), { parameters: { timeout: 1000 } })
    t.equal(late.status, 503)
    t.match(late.json.error, /Request timeout expired/)
    t.equal(late.headers.get('retry-after'), '1')
    leaving.abort()
    t.equal(await left, 'AbortError')
    await pending(1)
    t.equal((await server.call('/v2/health/live')).status, 200, 'it lives while its worker computes')
    t.same((await slow).json.outputs?.[0]?.data, [2_000_000])
    const metrics = await server.metrics()
    t.match(metrics, /nv_inference_request_failure\{model="spin",version="1",reason="CANCELED"\} 1/)
    t.match(metrics, /nv_inference_request_failure\{model="spin",version="1",reason="REJECTED"\} 1/)
    t.match(metrics, /nv_inference_exec_count\{model="spin",version="1"\} 1\n/, 'neither was run')
  },
)
