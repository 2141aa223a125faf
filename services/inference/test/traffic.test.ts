// Versions of one model that share its requests by weight, and one that is asked in the shadow.

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { agreementOf } from '../src/traffic/agreement.ts'
import { choose, heaviest } from '../src/traffic/choose.ts'
import { float, publish, type Publication } from './repository-folder.ts'
import { serve, type Server } from './serving.ts'

type Seen = Record<string, unknown>

const sum: Publication = { inputs: [float('x', 2)], outputs: [float('y', 1)] }
const row = (...data: number[]) => ({ name: 'x', shape: [data.length / 2, 2], datatype: 'FP32', data })
const newestOnly = { MESHWORK_INFERENCE_VERSIONS: '1' }

async function share(server: Server, traffic: unknown): Promise<void> {
  await mkdir(join(server.folder, 'sum'), { recursive: true })
  await writeFile(
    join(server.folder, 'sum/traffic.json'),
    typeof traffic === 'string' ? traffic : JSON.stringify(traffic),
  )
}
const view = async (server: Server) => (await server.call('/v2/models/sum/traffic')).json as Seen
/** Until what is seen of the traffic fits. */
async function until(server: Server, holds: (seen: Seen) => unknown): Promise<Seen> {
  for (;;) {
    const seen = await view(server)
    if (holds(seen)) return seen
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
async function versionsOf(server: Server, requests: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {}
  for (let i = 0; i < requests; i++) {
    const { status, json } = await server.infer('sum', [row(1, 2)])
    if (status !== 200) throw new Error(JSON.stringify(json))
    const version = String(json['model_version'])
    seen[version] = (seen[version] ?? 0) + 1
  }
  return seen
}
const weights = (of: Record<number, number>, more: object = {}) => ({
  schema: 'meshwork.traffic/1',
  weights: of,
  ...more,
})

t.test('the choice is by weight, among what is served', async t => {
  const random = Array.from({ length: 10_000 }, (_, i) => (i + 0.5) / 10_000)
  const count = (of: Record<number, number>, served: number[]) => {
    const counts: Record<string, number> = {}
    for (const one of random) {
      const version = String(choose(of, served, one))
      counts[version] = (counts[version] ?? 0) + 1
    }
    return counts
  }
  t.same(count({ 1: 3, 2: 1 }, [1, 2]), { 1: 7500, 2: 2500 })
  t.same(count({ 1: 3, 2: 1 }, [2, 3]), { 2: 10_000 }, 'the share of one that is away goes to the others')
  t.same(count({ 1: 0, 2: 1 }, [1, 2]), { 2: 10_000 })
  t.equal(choose({ 1: 1 }, [2], 0.5), undefined)
  t.equal(heaviest({ 1: 5, 2: 7, 3: 7 }, [1, 2, 3]), 3)
  t.equal(heaviest({ 1: 5 }, [2]), undefined)
  fc.assert(
    fc.property(
      fc.array(fc.nat(9), { minLength: 1, maxLength: 6 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, one) => {
        const of = Object.fromEntries(all.map((weight, i) => [i + 1, weight]))
        const chosen = choose(
          of,
          all.map((_, i) => i + 1),
          one,
        )
        return chosen === undefined ? all.every(weight => weight === 0) : (of[chosen] as number) > 0
      },
    ),
  )
})

t.test('agreement counts rows, with a tolerance for numbers', async t => {
  const tensor = (data: number[], width: number) => ({
    name: 'y',
    datatype: 'FP32' as const,
    shape: [data.length / width, width],
    data: Float32Array.from(data),
  })
  const tolerance = { absolute: 1e-6, relative: 1e-3 }
  t.match(agreementOf([tensor([1, 2, 3, 4], 2)], [tensor([1, 2, 3, 4.001], 2)], tolerance), { rows: 2, agreed: 2 })
  t.match(agreementOf([tensor([1, 2, 3, 4], 2)], [tensor([1, 2.5, 3.5, 4.5], 2)], tolerance), {
    rows: 2,
    agreed: 0,
    difference: 0.5,
  })
  t.match(agreementOf([tensor([Number.NaN], 1)], [tensor([Number.NaN], 1)], tolerance), { agreed: 1 })
  t.match(agreementOf([tensor([1], 1)], [tensor([Number.NaN], 1)], tolerance), { agreed: 0, difference: 0 })
  t.throws(() => agreementOf([tensor([1, 2], 1)], [tensor([1, 2], 2)], tolerance), {
    message: /'y' is \[1, 2\] and not \[2, 1\]/,
  })
  t.throws(() => agreementOf([tensor([1], 1)], [], tolerance), { message: /no output 'y'/ })
})

t.test('requests are shared by weight, named versions are not', { timeout: 60_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] }, newestOnly)
  await publish(server.folder, 'sum', 'sum', { ...sum, version: 2 })
  await publish(server.folder, 'sum', 'sum', { ...sum, version: 3 })
  await server.until('sum', 3, 'READY')
  t.match((await server.call('/v2/models/sum/traffic')).json, { error: /has no traffic\.json/ })
  t.same(await versionsOf(server, 5), { 3: 5 }, 'without it the newest answers everything')

  await share(server, weights({ 1: 3, 2: 1 }))
  const seen = await until(server, of =>
    (of['versions'] as { served: boolean }[] | undefined)?.every(one => one.served),
  )
  t.match(seen, {
    model_name: 'sum',
    fault: null,
    shadow: null,
    versions: [
      { version: '1', share: 0.75 },
      { version: '2', share: 0.25 },
    ],
  })
  const counts = await versionsOf(server, 400)
  t.same(Object.keys(counts).sort(), ['1', '2'], 'the newest gets nothing until it is named')
  t.ok((counts['1'] ?? 0) > 250 && (counts['1'] ?? 0) < 350, JSON.stringify(counts))
  const named = await server.call('/v2/models/sum/versions/3/infer', {
    method: 'POST',
    body: JSON.stringify({ inputs: [row(1, 2)] }),
  })
  t.equal(named.json['model_version'], '3')
  t.equal((await server.call('/v2/models/sum/drift')).status, 404, 'a version speaks for the model where one is needed')

  await rm(join(server.folder, 'sum/1'), { recursive: true })
  await until(server, of => (of['versions'] as { served: boolean }[])[0]?.served === false)
  t.same(await versionsOf(server, 20), { 2: 20 }, 'the share of one that is gone goes to the others')

  for (const [text, told] of [
    ['{', /not JSON/],
    [weights({}), /weights/],
    [weights({ 2: -1 }), /weights\/2/],
    [weights({ 2: 0 }), /no version has a weight/],
    [weights({ 2: 1 }, { shadow: { version: 1, share: 2 } }), /share/],
    [weights({ 2: 1 }, { shadows: [] }), /shadows/],
  ] as const) {
    await share(server, text)
    t.match(await until(server, of => told.test(String(of['fault']))), {
      versions: [{ version: '1' }, { version: '2' }],
    })
  }
  t.same(await versionsOf(server, 5), { 2: 5 }, 'a file that cannot be used changes nothing')

  await rm(join(server.folder, 'sum/traffic.json'))
  await until(server, of => 'error' in of)
  t.same(await versionsOf(server, 5), { 3: 5 })
})

t.test('a shadow is asked, compared and never waited for', { timeout: 60_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] }, newestOnly)
  await publish(server.folder, 'sum', 'sum', { ...sum, version: 2 })
  await server.until('sum', 2, 'READY')
  await share(server, weights({ 1: 1 }, { shadow: { version: 2 } }))
  await until(server, of => (of['shadow'] as { served: boolean } | undefined)?.served)
  for (let i = 0; i < 50; i++)
    t.match((await server.infer('sum', [row(1, 2, 3, 4)])).json, { model_version: '1', outputs: [{ data: [3, 7] }] })
  const seen = await until(server, of => (of['shadow'] as { requests: { compared: number } }).requests.compared >= 50)
  t.match(seen['shadow'], {
    version: '2',
    requests: { compared: 50, failed: 0, dropped: 0 },
    rows: 100,
    agreed_rows: 100,
    max_difference: 0,
    last_failure: null,
  })
  const told = await server.metrics()
  t.match(told, /meshwork_inference_shadow_rows_total\{model="sum",version="1",shadow="2",agreed="yes"\} 100/)
  t.match(told, /meshwork_inference_shadow_requests_total\{model="sum",version="1",shadow="2",result="compared"\} 50/)
  t.match(told, /meshwork_inference_shadow_difference_count\{model="sum",version="1",shadow="2"\} 50/)
  await server.call('/v2/models/sum/versions/1/infer', {
    method: 'POST',
    body: JSON.stringify({ inputs: [row(1, 2)] }),
  })
  t.match(
    (await view(server))['shadow'],
    { requests: { compared: 50 } },
    'a request that names its version is left alone',
  )
})

t.test('a shadow that says something else is told of', { timeout: 60_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] }, newestOnly)
  await publish(server.folder, 'sum', 'sum-and-half', { ...sum, version: 2 })
  await share(server, weights({ 1: 1 }, { shadow: { version: 2, tolerance: { absolute: 0.1, relative: 0.05 } } }))
  await until(server, of => (of['shadow'] as { served: boolean } | undefined)?.served)
  // Half is far from 3 and near enough to 30.
  t.match((await server.infer('sum', [row(1, 2, 10, 20)])).json, { model_version: '1', outputs: [{ data: [3, 30] }] })
  const seen = await until(server, of => (of['shadow'] as { rows: number }).rows === 2)
  t.match(seen['shadow'], { agreed_rows: 1, max_difference: 0.5, requests: { compared: 1, failed: 0 } })
  t.match(await server.metrics(), /meshwork_inference_shadow_rows_total\{.*agreed="no"\} 1/)
})

t.test('a shadow that cannot answer harms nobody; one that is not there is not asked', { timeout: 60_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] }, newestOnly)
  const one = {
    inputs: [{ name: 'x', type: 'float32', shape: [1, 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 1] }],
  }
  await publish(server.folder, 'sum', 'sum-of-one', { ...one, version: 2 })
  await share(server, weights({ 1: 1 }, { shadow: { version: 2 } }))
  await until(server, of => (of['shadow'] as { served: boolean } | undefined)?.served)
  const ask = async () => await server.infer('sum', [row(1, 2, 3, 4)])
  t.match((await ask()).json, { model_version: '1', outputs: [{ data: [3, 7] }] })
  const seen = await until(server, of => (of['shadow'] as { requests: { failed: number } }).requests.failed === 1)
  t.match(seen['shadow'], { rows: 0, last_failure: /./ })
  await share(server, weights({ 1: 1 }, { shadow: { version: 9 } }))
  await until(server, of => (of['shadow'] as { version: string }).version === '9')
  t.match((await view(server))['shadow'], { served: false, requests: { compared: 0 } })
  t.equal((await ask()).status, 200)
})
