// Versions that come, fail and go in the folder of models, while requests are answered.

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readResources } from '@meshwork/kit'
import t from 'tap'
import { float, publish, type Publication } from './repository-folder.ts'
import { serve, type Server } from './serving.ts'

/** MESHWORK_TEST_RELOADS=100 shows it at length. */
const reloads = Number(process.env['MESHWORK_TEST_RELOADS'] ?? 12)
const clients = 4
/** Of a request at the 99th percentile, also on a machine that does much else. */
const p99MsMax = 1000
const sum: Publication = { inputs: [float('x', 2)], outputs: [float('y', 1)] }
const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }
const ask = async (server: Server) => await server.infer('sum', [x])
const explicit = { MESHWORK_INFERENCE_CONTROL: 'explicit' }

interface Entry {
  readonly version?: string
  readonly state: string
  readonly reason: string
}
async function index(server: Server, model: string): Promise<Entry[]> {
  const { bytes } = await server.call('/v2/repository/index', { method: 'POST' })
  return (JSON.parse(String(bytes)) as (Entry & { name: string })[]).filter(({ name }) => name === model)
}
const change = async (server: Server, model: string, what: 'load' | 'unload') =>
  await server.call(`/v2/repository/models/${model}/${what}`, { method: 'POST' })
/** Golden rows beside the model, and the manifest that names them. */
async function publishGolden(server: Server, version: number, y: number): Promise<void> {
  const place = join(server.folder, 'sum', String(version))
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'golden.json'), JSON.stringify({ inputs: { x: [[1, 2]] }, outputs: { y: [[y]] } }))
  await publish(server.folder, 'sum', 'sum', { ...sum, version, manifest: m => ({ ...m, samples: 'golden.json' }) })
}

t.test(
  'versions take over one after the other, and not one request fails',
  { timeout: 60_000 + reloads * 5000 },
  async t => {
    const server = await serve(t, { sum: ['sum', sum] })
    let over = false
    let last = 0
    const failed: unknown[] = []
    const times: number[] = []
    const client = async () => {
      while (!over) {
        const asked = performance.now()
        const { status, json } = await ask(server)
        times.push(performance.now() - asked)
        if (status !== 200 || json.outputs?.[0]?.data[0] !== 3) failed.push(json)
        last = Math.max(last, Number(json['model_version']))
      }
    }
    const load = Promise.all(Array.from({ length: clients }, client))
    for (let version = 2; version <= 1 + reloads; version++) {
      await publish(server.folder, 'sum', 'sum', { ...sum, version })
      await server.until('sum', version, 'READY')
    }
    const reached = (await ask(server)).json['model_version']
    over = true
    await load
    t.equal(reached, String(1 + reloads))
    t.equal(last, 1 + reloads, 'the load has seen the last version')
    t.same(failed, [], `none of ${times.length} requests failed`)
    t.ok(times.length > reloads * clients)
    const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Infinity
    t.ok(p99 < p99MsMax, `99 % of them took less than ${p99.toFixed(1)} ms`)
    t.match((await server.call('/v2/models/sum')).json['versions'], [String(1 + reloads)], 'only the newest is kept')
    t.equal((await server.call('/v2/models/sum/versions/1/ready')).status, 404)
  },
)

t.test(
  'a version that answers its golden rows otherwise is not served; the one before it goes on',
  { timeout: 120_000 },
  async t => {
    const server = await serve(t, { sum: ['sum', sum] })
    await publishGolden(server, 2, 4)
    await server.until('sum', 2, 'UNAVAILABLE')
    t.match(await index(server, 'sum'), [
      { version: '1', state: 'READY' },
      { version: '2', state: 'UNAVAILABLE', reason: /on its golden rows value 0 of output "y" is 3 instead of 4/ },
    ])
    t.match((await ask(server)).json, { model_version: '1' })
    t.equal((await server.call('/v2/models/sum/versions/2/ready')).status, 503)
    await publishGolden(server, 3, 3)
    await server.until('sum', 3, 'READY')
    t.match((await ask(server)).json, { model_version: '3' })
  },
)

t.test(
  'what is half copied does not exist, what is damaged is told, what is taken away is rolled back',
  { timeout: 120_000 },
  async t => {
    const server = await serve(t, { sum: ['sum', sum] })
    await mkdir(join(server.folder, 'sum', '2'))
    await writeFile(join(server.folder, 'sum', '2', 'model.onnx'), 'half of a')
    await publish(server.folder, 'sum', 'sum', {
      ...sum,
      version: 3,
      manifest: m => ({ ...m, sha256: '0'.repeat(64) }),
    })
    await server.until('sum', 3, 'UNAVAILABLE')
    const told = await index(server, 'sum')
    t.same(
      told.map(({ version }) => version),
      ['1', '3'],
    )
    t.match(told[1]?.reason, /corrupt|SHA-256/i)
    await publish(server.folder, 'sum', 'sum', { ...sum, version: 4, content: () => 'not a model' })
    await server.until('sum', 4, 'UNAVAILABLE')
    await publish(server.folder, 'sum', 'same', { version: 5, inputs: [float('x', 2)], outputs: [float('y', 1)] })
    await server.until('sum', 5, 'UNAVAILABLE')
    t.match((await index(server, 'sum')).at(-1)?.reason, /shape \[-1, 3\] in the file and \[-1, 2\] in the manifest/)
    t.match((await ask(server)).json, { model_version: '1' })
    await publish(server.folder, 'sum', 'sum', { ...sum, version: 6 })
    await server.until('sum', 6, 'READY')
    await rm(join(server.folder, 'sum', '6'), { recursive: true })
    await server.until('sum', 1, 'READY')
    t.match((await ask(server)).json, { model_version: '1' })
  },
)

t.test('models are loaded and unloaded when asked for, and their memory is bounded', { timeout: 120_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum], other: ['sum', sum] }, explicit)
  t.equal((await ask(server)).status, 404)
  t.equal((await server.call('/v2/health/ready')).status, 200, 'nothing is to be served yet')
  t.match(await index(server, 'sum'), [{ state: 'UNAVAILABLE', reason: 'not loaded' }])
  const loaded = await change(server, 'sum', 'load')
  t.same([loaded.status, loaded.bytes.length], [200, 0], 'clients take nothing but an empty 200')
  t.equal((await ask(server)).status, 200)
  t.equal((await change(server, 'sum', 'load')).status, 200, 'again')
  t.equal((await change(server, 'sum', 'unload')).status, 200)
  t.equal((await ask(server)).status, 404)
  t.match(await index(server, 'sum'), [{ state: 'UNAVAILABLE', reason: 'not loaded' }])
  t.equal((await change(server, 'none', 'unload')).status, 400)

  const narrow = await serve(
    t,
    { sum: ['sum', sum], kinds: ['kinds', sum] },
    { ...explicit, MESHWORK_INFERENCE_MODELS_BYTES: '1024' },
    { resources: { ...readResources(), cpus: 1 } },
  )
  t.equal((await change(narrow, 'sum', 'load')).status, 200)
  const refused = await change(narrow, 'kinds', 'load')
  t.equal(refused.status, 400)
  t.match(refused.json.error, /failed to load 'kinds' version 1: .* more than 1024; unload others/)
  t.equal((await ask(narrow)).status, 200)
})

t.test('where that is allowed, the model that was not used for longest makes room', { timeout: 120_000 }, async t => {
  const room = { MESHWORK_INFERENCE_MODELS_BYTES: '1024', MESHWORK_INFERENCE_MODELS_FULL: 'unload' }
  const server = await serve(
    t,
    { first: ['sum', sum], second: ['sum', sum], third: ['sum', sum], wide: ['kinds', sum] },
    { ...explicit, ...room },
    { resources: { ...readResources(), cpus: 4 } }, // two of 123 bytes, four times each
  )
  const served = async () => (await server.call('/v2/models')).json['models']
  t.equal((await change(server, 'first', 'load')).status, 200)
  t.equal((await change(server, 'second', 'load')).status, 200)
  t.equal((await server.infer('first', [x])).status, 200)
  t.equal((await change(server, 'third', 'load')).status, 200)
  t.same(await served(), ['first', 'third'])
  t.match(await index(server, 'second'), [{ state: 'UNAVAILABLE', reason: /unloaded to make room for 'third'/ }])
  t.equal((await server.infer('second', [x])).status, 503)
  t.equal((await change(server, 'second', 'load')).status, 200, 'and comes back when it is asked for')
  t.same(await served(), ['second', 'third'])
  t.equal((await change(server, 'wide', 'load')).status, 400, 'one that is too large by itself')
  t.same(await served(), ['second', 'third'], 'costs no other its place')
})
