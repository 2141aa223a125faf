// Models that run in processes of their own: what hangs is ended, what crashes is started again, and nobody else notices.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { float } from './repository-folder.ts'
import { serve, type Server } from './serving.ts'

const own = (process: object, more: object = {}) => ({
  manifest: (manifest: Record<string, unknown>) => ({ ...manifest, process, ...more }),
})
const sum = { inputs: [float('x', 2)], outputs: [float('y', 1)] }
const spin = {
  inputs: [{ name: 'n', type: 'int64', shape: [-1] }],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
}
const turns = (n: number) => [{ name: 'n', shape: [1], datatype: 'INT64', data: [n] }]
const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }
const forever = 1_000_000_000

/** Processes that this one has started and that run sessions. */
function children(): number[] {
  const all = execFileSync('ps', ['-o', 'pid=,ppid=', '-A'], { encoding: 'utf8' })
  return all
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === process.pid)
    .map(([pid]) => pid as number)
    .filter(pid => commandOf(pid).includes('worker.ts'))
}
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
const counted = async (server: Server, series: string) =>
  Number(new RegExp(`^${series.replaceAll(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(await server.metrics())?.[1] ?? 0)

t.test('answers as in a thread: JSON, binary, datasets of any kind of tensor', { timeout: 60_000 }, async t => {
  const server = await serve(t, {
    thread: ['sum', sum],
    own: ['sum', { ...sum, ...own({ count: 2 }) }],
    half: [
      'half',
      {
        inputs: [{ name: 'x', type: 'float16', shape: [-1, 1] }],
        outputs: [{ name: 'y', type: 'float16', shape: [-1, 1] }],
        ...own({}),
      },
    ],
  })
  t.equal(children().length, 3, 'each in its own')
  const rows = Array.from({ length: 400 }, (_, i) => i / 7)
  const wide = [{ name: 'x', shape: [200, 2], datatype: 'FP32', data: rows }]
  t.same(
    (await server.infer('own', wide)).json.outputs?.[0]?.data,
    (await server.infer('thread', wide)).json.outputs?.[0]?.data,
  )
  const head = JSON.stringify({
    inputs: [{ name: 'x', shape: [2, 1], datatype: 'FP16', parameters: { binary_data_size: 4 } }],
    outputs: [{ name: 'y', parameters: { binary_data: true } }],
  })
  const answer = await server.call('/v2/models/half/infer', {
    method: 'POST',
    headers: { 'inference-header-content-length': String(head.length) },
    body: Buffer.concat([Buffer.from(head), Buffer.from([0, 0x3c, 0, 0x40])]),
  })
  t.equal(answer.status, 200, String(answer.bytes))
  const many = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => (await server.infer('own', [{ ...x, data: [i, 1] }])).json),
  )
  t.same(
    many.map(json => json.outputs?.[0]?.data[0]),
    Array.from({ length: 200 }, (_, i) => i + 1),
    'each caller gets its own',
  )
  await server.end()
  t.same(children(), [], 'they end with the service')
})

t.test('a run that does not end is ended, and the model answers the next one', { timeout: 60_000 }, async t => {
  const server = await serve(t, { spin: ['spin', { ...spin, ...own({ runMsMax: 300 }) }], sum: ['sum', sum] })
  const [before] = children()
  const hung = server.infer('spin', turns(forever))
  t.equal((await server.infer('sum', [x])).status, 200, 'other models answer meanwhile')
  const { status, json } = await hung
  t.equal(status, 504)
  t.match(json.error, /"spin" version 1 did not answer within 300 ms, and its process was ended/)
  t.same((await server.infer('spin', turns(3))).json.outputs?.[0]?.data, [3])
  const [after] = children()
  t.not(after, before, 'in another process')
  t.equal(await counted(server, 'meshwork_inference_processes_ended_total{model="spin",version="1",reason="hung"}'), 1)
  t.equal((await server.call('/v2/health/ready')).status, 200)
  await server.end()
})

t.test('what was merged with a call that hangs, or stands behind it, is answered', { timeout: 60_000 }, async t => {
  const server = await serve(t, {
    spin: ['spin', { ...spin, ...own({ runMsMax: 400 }, { batching: { enabled: true, rowsMax: 64 } }) }],
  })
  const busy = server.infer('spin', turns(100_000)) // so that the others wait together
  const answers = await Promise.all([
    busy,
    ...[1, forever, 2, 3, 4, 5].map(async n => await server.infer('spin', turns(n))),
  ])
  t.same(
    answers.map(({ status }) => status),
    [200, 200, 504, 200, 200, 200, 200],
  )
  t.same(answers.at(-1)?.json.outputs?.[0]?.data, [5])
  await server.end()
})

t.test('a process that is killed is started again', { timeout: 60_000 }, async t => {
  const server = await serve(t, { spin: ['spin', { ...spin, ...own({}) }] })
  for (let i = 0; i < 5; i++) {
    const running = server.infer('spin', turns(forever))
    while (!(await server.metrics()).includes('requests_pending{model="spin",version="1"} 1')) continue
    for (const pid of children()) process.kill(pid, 'SIGKILL')
    const { status, json } = await running
    t.equal(status, 503)
    t.match(json.error, /ended by SIGKILL\. Another takes its place/)
    t.equal((await server.infer('spin', turns(1))).status, 200)
  }
  t.equal(await counted(server, 'meshwork_inference_processes_ended_total{model="spin",version="1",reason="died"}'), 5)
  await server.end()
})

t.test(
  'a service that drains waits for the run, and a model that is unloaded for its own',
  { timeout: 60_000 },
  async t => {
    const server = await serve(t, { spin: ['spin', { ...spin, ...own({}) }], sum: ['sum', { ...sum, ...own({}) }] })
    t.equal(children().length, 2)
    const slow = server.infer('spin', turns(500_000))
    while (!(await server.metrics()).includes('requests_pending{model="spin",version="1"} 1')) continue
    t.equal((await server.call('/v2/repository/models/spin/unload', { method: 'POST' })).status, 200)
    t.equal((await slow).status, 200)
    while (children().length > 1) await new Promise(resolve => setTimeout(resolve, 20))
    await server.end()
    t.same(children(), [])
  },
)

t.test('a manifest that asks for nonsense is refused', { timeout: 60_000 }, async t => {
  const server = await serve(
    t,
    { sum: ['sum', { ...sum, ...own({ count: 0 }) }] },
    { MESHWORK_INFERENCE_CONTROL: 'explicit' },
  )
  const { status, json } = await server.call('/v2/repository/models/sum/load', { method: 'POST' })
  t.equal(status, 400)
  t.match(json.error, /process.*count|count/)
  await server.end()
})
