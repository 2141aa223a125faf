// What the Open Inference Protocol v2 over REST asks of a server, and what the extensions do that it says it has. A check
// answers undefined where all is well, or what is wrong.

import { gzipSync } from 'node:zlib'
import type { Ask, Reply } from './client.ts'
import { binaryRequest, jsonOf, jsonRequest, nestedRequest, type Subject } from './model.ts'

export interface Check {
  readonly what: string
  /** The extension that it is of; a server that does not name it is not checked. */
  readonly extension?: string
  readonly run: (ask: Ask, subject: Subject) => Promise<string | undefined>
}

type Outputs = { name: string; datatype: string; shape: number[]; data?: unknown[]; parameters?: object }[]
const lengthHeader = 'inference-header-content-length'
const infer = (name: string) => `/v2/models/${name}/infer`
const shown = ({ status, bytes }: Reply) => `${status} ${bytes.toString('utf8', 0, 200)}`
const ok = (reply: Reply) => (reply.status === 200 ? undefined : shown(reply))
/** A refusal is a 4xx, with the reason in `error`. */
const refused = (reply: Reply, ...statuses: number[]) =>
  (statuses.length === 0 ? reply.status >= 400 && reply.status < 500 : statuses.includes(reply.status)) &&
  typeof reply.json?.['error'] === 'string'
    ? undefined
    : `answers ${shown(reply)}`
const outputsOf = (reply: Reply) => (reply.json?.['outputs'] ?? []) as Outputs

export const checks: readonly Check[] = [
  { what: 'it is alive', run: async ask => ok(await ask('/v2/health/live')) },
  { what: 'it is ready', run: async ask => ok(await ask('/v2/health/ready')) },
  {
    what: 'its metadata have name, version and extensions',
    run: async ask => {
      const { json } = await ask('/v2')
      return typeof json?.['name'] === 'string' &&
        typeof json['version'] === 'string' &&
        Array.isArray(json['extensions'])
        ? undefined
        : JSON.stringify(json)
    },
  },
  { what: 'the model is ready', run: async (ask, { name }) => ok(await ask(`/v2/models/${name}/ready`)) },
  {
    what: 'every version of the model is ready and has metadata',
    run: async (ask, { name, versions }) => {
      for (const version of versions)
        for (const end of ['', '/ready']) {
          const reply = await ask(`/v2/models/${name}/versions/${version}${end}`)
          if (reply.status !== 200) return `version ${version}${end}: ${shown(reply)}`
        }
      return undefined
    },
  },
  {
    what: 'JSON in, JSON out: every output with name, datatype, shape and as many data',
    run: async (ask, subject) => wholeAnswer(await ask(infer(subject.name), jsonRequest(subject)), subject),
  },
  {
    what: 'nested data are the same as flat data',
    run: async (ask, subject) => {
      const [flat, deep] = [
        await ask(infer(subject.name), jsonRequest(subject)),
        await ask(infer(subject.name), nestedRequest(subject)),
      ]
      if (deep.status !== 200) return shown(deep)
      return JSON.stringify(outputsOf(flat)) === JSON.stringify(outputsOf(deep)) ? undefined : 'the answers differ'
    },
  },
  {
    what: 'a version in the path is answered',
    run: async (ask, subject) => {
      const [version] = subject.versions
      if (version === undefined) return undefined
      const reply = await ask(`/v2/models/${subject.name}/versions/${version}/infer`, jsonRequest(subject))
      return reply.json?.['model_version'] === version || reply.status !== 200
        ? ok(reply)
        : `model_version is ${String(reply.json?.['model_version'])}`
    },
  },
  {
    what: 'an id comes back; without one there is none',
    run: async (ask, subject) => {
      const given = (await ask(infer(subject.name), jsonRequest(subject, {}, { id: 'a-1' }))).json?.['id']
      return given === 'a-1' ? undefined : `id is ${String(given)}`
    },
  },
  {
    what: 'only the outputs that are asked for come',
    run: async (ask, subject) => {
      const name = subject.outputs.at(-1)?.name
      const reply = await ask(infer(subject.name), jsonRequest(subject, {}, { outputs: [{ name }] }))
      const names = outputsOf(reply).map(output => output.name)
      return names.length === 1 && names[0] === name ? undefined : `it answers ${names.join(', ') || shown(reply)}`
    },
  },
  { what: 'an unknown model is a 404', run: async ask => refused(await ask('/v2/models/no-such-model'), 404) },
  {
    what: 'an unknown version is a 404',
    run: async (ask, { name }) => refused(await ask(`/v2/models/${name}/versions/999999`), 404),
  },
  ...refusals(),
  {
    what: 'binary in, JSON out',
    extension: 'binary_tensor_data',
    run: async (ask, subject) => wholeAnswer(await ask(infer(subject.name), binaryRequest(subject)), subject),
  },
  {
    what: 'binary in, binary out, as many bytes as it says',
    extension: 'binary_tensor_data',
    run: async (ask, subject) =>
      binaryAnswer(await ask(infer(subject.name), binaryRequest(subject, { binary_data_output: true })), subject),
  },
  {
    what: 'bytes that are missing or left over are a 400',
    extension: 'binary_tensor_data',
    run: async (ask, subject) => {
      const { body, headers } = binaryRequest(subject)
      const short = await ask(infer(subject.name), { body: body.subarray(0, -1), headers })
      const long = await ask(infer(subject.name), { body: Buffer.concat([body, Buffer.from('x')]), headers })
      return refused(short, 400) ?? refused(long, 400)
    },
  },
  {
    what: 'a header length past the body is a 400',
    extension: 'binary_tensor_data',
    run: async (ask, subject) =>
      refused(
        await ask(infer(subject.name), { ...binaryRequest(subject), headers: { [lengthHeader]: '99999999999' } }),
        400,
      ),
  },
  {
    what: 'a gzipped request is read',
    run: async (ask, subject) => {
      const { body, headers } = jsonRequest(subject)
      const zipped = { body: gzipSync(body), headers: { ...headers, 'content-encoding': 'gzip' } }
      const reply = await ask(infer(subject.name), zipped)
      return reply.status === 200 ? undefined : shown(reply)
    },
  },
  {
    what: 'a body that is no gzip is refused',
    run: async (ask, subject) =>
      refused(await ask(infer(subject.name), { body: 'no', headers: { 'content-encoding': 'gzip' } })),
  },
  {
    what: 'statistics count what was asked',
    extension: 'statistics',
    run: async (ask, subject) => {
      const count = async () => {
        const { json } = await ask(`/v2/models/${subject.name}/stats`)
        const list = (json?.['model_stats'] ?? []) as { inference_stats?: { success?: { count?: number } } }[]
        return list.reduce((sum, one) => sum + (one.inference_stats?.success?.count ?? Number.NaN), 0)
      }
      const before = await count()
      await ask(infer(subject.name), jsonRequest(subject))
      const after = await count()
      return after > before ? undefined : `${before} before a request, ${after} after it`
    },
  },
  {
    what: 'the configuration names inputs and max_batch_size',
    extension: 'model_configuration',
    run: async (ask, { name }) => {
      const { json } = await ask(`/v2/models/${name}/config`)
      return Array.isArray(json?.['input']) && Number.isInteger(json['max_batch_size'])
        ? undefined
        : JSON.stringify(json)
    },
  },
  {
    what: 'the index of the repository has the model, ready',
    extension: 'model_repository',
    run: async (ask, { name }) => {
      const reply = await ask('/v2/repository/index', { body: '' })
      const index = Array.isArray(reply.json) ? (reply.json as { name: string; state: string }[]) : []
      return index.some(one => one.name === name && one.state === 'READY') ? undefined : shown(reply)
    },
  },
  { what: 'after all this it is alive', run: async ask => ok(await ask('/v2/health/live')) },
]

function wholeAnswer(reply: Reply, { name, outputs }: Subject): string | undefined {
  if (reply.status !== 200) return shown(reply)
  if (reply.json?.['model_name'] !== name) return `model_name is ${String(reply.json?.['model_name'])}`
  if ('id' in reply.json) return 'it has an id that nobody gave'
  for (const { name: output, datatype } of outputs) {
    const found = outputsOf(reply).find(one => one.name === output)
    if (found === undefined) return `output ${output} is missing`
    if (found.datatype !== datatype) return `output ${output} is ${found.datatype}, its metadata say ${datatype}`
    const count = found.shape.reduce((product, size) => product * size, 1)
    if (found.data?.flat(32).length !== count)
      return `output ${output} has ${found.data?.length} data for ${count} elements`
  }
  return undefined
}

function binaryAnswer(reply: Reply, { outputs }: Subject): string | undefined {
  if (reply.status !== 200) return shown(reply)
  const length = Number(reply.headers.get(lengthHeader))
  if (!(length > 0)) return `there is no ${lengthHeader}`
  const head = JSON.parse(reply.bytes.toString('utf8', 0, length)) as { outputs: Outputs }
  const sizes = head.outputs.map(({ parameters }) =>
    Number((parameters as { binary_data_size?: number })?.binary_data_size),
  )
  const sum = sizes.reduce((total, size) => total + size, 0)
  if (sizes.length !== outputs.length) return `it has ${sizes.length} outputs instead of ${outputs.length}`
  return reply.bytes.length - length === sum ? undefined : `${reply.bytes.length - length} bytes follow, it says ${sum}`
}

/** Requests that fit no model: none may be a 5xx, and the server lives on. */
function refusals(): Check[] {
  const deep = `{"inputs":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  const cases: readonly (readonly [
    string,
    (subject: Subject) => { body: string | Buffer; headers?: Record<string, string> },
  ])[] = [
    ['nothing at all', () => ({ body: '' })],
    ['what is not JSON', () => ({ body: '{"inputs":' })],
    ['a request without inputs', () => jsonOf({})],
    ['inputs nested 100,000 deep', () => ({ body: deep })],
    ['an input that the model does not have', subject => jsonRequest(subject, { name: 'no-such-input' })],
    ['an input that is missing', () => jsonOf({ inputs: [] })],
    ['a datatype that does not exist', subject => jsonRequest(subject, { datatype: 'FP33' })],
    [
      'more data than the shape has',
      ({ inputs, ...rest }) => jsonRequest({ inputs, ...rest }, { data: Array(4099).fill(1) }),
    ],
    ['a negative size', subject => jsonRequest(subject, { shape: subject.inputs[0]?.shape.map(() => -5) })],
    ['a shape of 2^62 elements', subject => jsonRequest(subject, { shape: [2 ** 31, 2 ** 31] })],
    [
      'an output that the model does not have',
      subject => jsonRequest(subject, {}, { outputs: [{ name: 'no-such-output' }] }),
    ],
  ]
  return cases.map(([what, make]) => ({
    what: `${what} is a 4xx with the reason`,
    run: async (ask, subject) => refused(await ask(infer(subject.name), make(subject))),
  }))
}
