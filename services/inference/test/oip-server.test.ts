import { gzipSync } from 'node:zlib'
import t from 'tap'
import { float } from './repository-folder.ts'
import { serve } from './serving.ts'

const sum = { inputs: [float('x', 2)], outputs: [{ ...float('y', 1), labels: ['total'] }] }
const kinds = [
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
]
const kindTensors = (prefix: string) =>
  kinds.map(type => ({ name: `${prefix}_${type}`, type, shape: type === 'int32' ? [-1] : [-1, 1] }))
const x = (...rows: number[][]) => ({ name: 'x', shape: [rows.length, 2], datatype: 'FP32', data: rows })
const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer)

t.test(
  'health, metadata, configuration and statistics as both kinds of clients read them',
  { timeout: 120_000 },
  async t => {
    const server = await serve(t, { sum: ['sum', sum] })
    for (const [path, body] of [
      ['/v2/health/live', { live: true }],
      ['/v2/health/ready', { ready: true }],
      ['/v2', { name: 'meshwork', extensions: ['binary_tensor_data'] }],
      ['/v2/', { name: 'meshwork' }],
      ['/v2/models', { models: ['sum'] }],
      ['/v2/models/sum/ready', { name: 'sum', ready: true }],
      ['/v2/models/sum/versions/1/ready', { name: 'sum', ready: true }],
      [
        '/v2/models/sum',
        {
          name: 'sum',
          versions: ['1'],
          platform: 'onnxruntime_onnx',
          inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
        },
      ],
      [
        '/v2/models/sum/config',
        { name: 'sum', max_batch_size: Number, input: [{ data_type: 'TYPE_FP32', dims: [2] }] },
      ],
      ['/v2/models/sum/stats', { model_stats: [{ name: 'sum', version: '1', inference_count: 0 }] }],
      ['/v2/models/stats', { model_stats: [{ name: 'sum' }] }],
    ] as const) {
      const answer = await server.call(path)
      t.equal(answer.status, 200, path)
      t.match(answer.json, body, path)
    }
    for (const [path, status, says] of [
      ['/v2/models/none', 404, /unknown model: 'none'.*'sum'/],
      ['/v2/models/sum/versions/2', 404, /version 2 is not served; its versions are: 1/],
      ['/v2/models/sum/versions/x/ready', 404, /'x' is not a version/],
      ['/v2/nothing', 404, /Not Found/],
    ] as const) {
      const answer = await server.call(path)
      t.equal(answer.status, status, path)
      t.match(answer.json.error, says, path)
    }
  },
)

t.test('tensors in JSON, in binary, mixed, raw and compressed', { timeout: 120_000 }, async t => {
  const server = await serve(t, {
    sum: ['sum', sum],
    half: [
      'half',
      {
        inputs: [{ name: 'x', type: 'float16', shape: [-1, 1] }],
        outputs: [{ name: 'y', type: 'float16', shape: [-1, 1] }],
      },
    ],
    kinds: ['kinds', { inputs: kindTensors('in'), outputs: kindTensors('out') }],
  })
  const post = async (model: string, body: Buffer, headers: Record<string, string> = {}) =>
    await server.call(`/v2/models/${model}/infer`, { method: 'POST', body, headers })
  const plain = await server.infer('sum', [x([1, 2], [3, 4])], { id: 'a' })
  t.same(plain.json, {
    id: 'a',
    model_name: 'sum',
    model_version: '1',
    outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 1], data: [3, 7] }],
  })
  const head = (parameters: object, size = 8, datatype = 'FP32', shape = [1, 2]) =>
    Buffer.from(
      JSON.stringify({ inputs: [{ name: 'x', shape, datatype, parameters: { binary_data_size: size } }], parameters }),
    )
  const json = head({ binary_data_output: true })
  const binary = await post('sum', Buffer.concat([json, floats(1, 2)]), {
    'inference-header-content-length': String(json.length),
  })
  t.equal(binary.headers.get('content-type'), 'application/octet-stream')
  t.same(binary.bytes.subarray(Number(binary.headers.get('inference-header-content-length'))), floats(3))
  const raw = await post('sum', floats(2, 3), { 'inference-header-content-length': '0' })
  t.same(raw.bytes.subarray(Number(raw.headers.get('inference-header-content-length'))), floats(5))

  const halves = Buffer.from(new Uint16Array([0x3c00, 0xfe00, 0x0001]).buffer)
  const halfHead = head({ binary_data_output: true }, 6, 'FP16', [3, 1])
  const half = await post('half', Buffer.concat([halfHead, halves]), {
    'inference-header-content-length': String(halfHead.length),
  })
  t.equal(half.status, 200, String(half.bytes))
  t.same(half.bytes.subarray(-6), halves, 'float16 to the bit, NaN and subnormals too')

  const values: Record<string, string> = {
    int64: '-9223372036854775807',
    uint64: '18446744073709551615',
    bool: 'true',
    string: '"ü"',
    float64: '0.1',
  }
  const named: Record<string, string> = { float32: 'FP32', float64: 'FP64', string: 'BYTES' }
  const inputs = kinds.map(kind => {
    const shape = kind === 'int32' ? '[1]' : '[1,1]'
    return `{"name":"in_${kind}","shape":${shape},"datatype":"${named[kind] ?? kind.toUpperCase()}","data":[${values[kind] ?? '7'}]}`
  })
  const all = await post('kinds', Buffer.from(`{"inputs":[${inputs.join()}]}`))
  t.equal(all.status, 200, String(all.bytes))
  for (const kind of kinds) t.ok(String(all.bytes).includes(`"name":"out_${kind}"`), kind)
  for (const text of Object.values(values)) t.ok(String(all.bytes).includes(`"data":[${text}]`), text)

  const cut = await post('kinds', Buffer.from(`{"inputs":[${inputs.join().replace('ü', 'u\\u0000')}]}`))
  t.match(cut.json.error, /element 0 of input 'in_string' has a NUL/, 'the runtime would lose what follows')

  const rows = Array.from({ length: 200 }, (_, i) => [i, 1])
  const zipped = await fetch(`${server.url}/v2/models/sum/infer`, {
    method: 'POST',
    body: gzipSync(JSON.stringify({ inputs: [x(...rows)] })),
    headers: { 'content-encoding': 'gzip', 'accept-encoding': 'gzip' },
  })
  t.equal(zipped.headers.get('content-encoding'), 'gzip')
  t.equal(((await zipped.json()) as { outputs: [{ data: number[] }] }).outputs[0].data.at(-1), 200)
  t.notOk((await server.call('/v2', { headers: { 'accept-encoding': 'gzip' } })).headers.get('content-encoding'))
})

t.test(
  'what is wrong is a 400 in the words of the protocol, never a 500, and the server goes on',
  { timeout: 120_000 },
  async t => {
    const server = await serve(
      t,
      {
        sum: ['sum', sum],
        pick: [
          'pick',
          {
            inputs: [{ name: 'i', type: 'int64', shape: [-1] }],
            outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
          },
        ],
      },
      { MESHWORK_INFERENCE_BODY_BYTES: '100000' },
    )
    const post = async (path: string, body: Buffer | string, headers: Record<string, string> = {}) =>
      await server.call(path, { method: 'POST', body, headers })
    const infer = '/v2/models/sum/infer'
    for (const [what, status, says, answer] of [
      ['nothing', 400, /request is empty/, await server.call(infer, { method: 'POST' })],
      ['no JSON', 400, /not JSON/, await post(infer, '{')],
      [
        'another width',
        400,
        /unexpected shape for input 'x'/,
        await server.infer('sum', [{ ...x([1, 2]), shape: [1, 3] }]),
      ],
      ['an unknown model', 404, /unknown model/, await server.infer('none', [])],
      [
        'a header of 99999999999',
        400,
        /header size/,
        await post(infer, '{}', { 'inference-header-content-length': '99999999999' }),
      ],
      ['too large', 413, /more than 100000 bytes/, await post(infer, Buffer.alloc(100_001))],
      [
        'a zip bomb',
        413,
        /when it is decompressed/,
        await post(infer, gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }),
      ],
      ['no gzip', 400, /not gzip/, await post(infer, 'abc', { 'content-encoding': 'gzip' })],
      ['brotli', 415, /Content-Encoding 'br'/, await post(infer, 'abc', { 'content-encoding': 'br' })],
      [
        'an index that the model refuses',
        400,
        /model 'pick' failed on this request/,
        await server.infer('pick', [{ name: 'i', shape: [1], datatype: 'INT64', data: [9] }]),
      ],
      ['an index that is deep', 400, /JSON/, await post('/v2/repository/index', '['.repeat(250_000))],
      ['a ready that is no boolean', 400, /expected a boolean/, await post('/v2/repository/index', '{"ready":1}')],
      [
        'parameters of a load that are nothing',
        400,
        /'parameters' of the request must be an object/,
        await post('/v2/repository/models/sum/load', '{"parameters":null}'),
      ],
      [
        'parameters of a load that are a number',
        400,
        /'parameters' of the request must be an object/,
        await post('/v2/repository/models/sum/load', '{"parameters":5}'),
      ],
      ['an unknown model to load', 400, /failed to load 'none'/, await post('/v2/repository/models/none/load', '')],
    ] as const) {
      t.equal(answer.status, status, what)
      t.match(answer.json.error, says, what)
    }
    t.match((await server.infer('sum', [x([1, 1])])).json.outputs?.[0]?.data, [2])
    t.match((await server.infer('pick', [{ name: 'i', shape: [0], datatype: 'INT64', data: [] }])).json.outputs?.[0], {
      shape: [0],
      data: [],
    })
  },
)
