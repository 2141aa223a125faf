import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { type StageCall, StageClient } from '../../src/stage/client.ts'

t.test('a connection outlives the call, however the stage answers', async t => {
  const answers: Record<string, (reply: ServerResponse) => void> = {
    events: reply => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.write('event: progress\ndata: {"fraction":0.5}\n\n')
      reply.write('event: result\ndata: {"output":{"value":1},"version":"1.0.1"}\n\n')
      setTimeout(() => reply.end(), 5) // the end comes on its own
    },
    problem: reply => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.write('event: problem\ndata: {}\n\n')
      setTimeout(() => reply.end(), 5)
    },
    json: reply => reply.writeHead(200, { 'content-type': 'application/json' }).end('{"value":1}'),
  }
  let ended = 0
  const server = createServer((request, reply) => answers[request.headers['meshwork-step'] as string]?.(reply))
  server.on('connection', socket => socket.once('close', () => ended++))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new StageClient()
  t.teardown(async () => {
    await client.close()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fractions: number[] = []
  const call = async (step: string) =>
    await client.call({
      deployment: { stage: 's', url, version: '1.0.0', majors: [1], outputs: new Map(), contracts: new Map() },
      major: 1,
      step,
      runId: 'r',
      attempt: 1,
      idempotencyKey: step,
      body: {},
      timeoutMs: 5000,
      traceparent: '00-0-0-00',
      signal: new AbortController().signal,
      onProgress: ({ fraction }: { fraction: number }) => fractions.push(fraction),
    } as unknown as StageCall)
  for (let round = 0; round < 3; round++) {
    t.match(await call('events'), { kind: 'result', output: { value: 1 }, version: '1.0.1' })
    t.match(await call('problem'), { kind: 'problem', problem: { code: 'MESHWORK_STEP_ANSWER_INVALID' } })
    t.match(await call('json'), { kind: 'result', output: { value: 1 }, version: '1.0.0' })
  }
  t.same(fractions, [0.5, 0.5, 0.5])
  t.equal(ended, 0)
})
