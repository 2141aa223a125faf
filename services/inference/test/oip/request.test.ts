import fc from 'fast-check'
import t from 'tap'
import { writeBinaryTensor } from '../../src/oip/binary-tensor.ts'
import { type Datatype, datatypes } from '../../src/oip/datatype.ts'
import { OipFault } from '../../src/oip/fault.ts'
import { writeJsonTensor } from '../../src/oip/json-tensor.ts'
import { readInferRequest } from '../../src/oip/request.ts'
import { writeInferAnswer } from '../../src/oip/response.ts'
import type { ModelFace, OipTensor, TensorFace } from '../../src/oip/tensor.ts'

const face = (inputs: readonly TensorFace[], outputs: readonly TensorFace[] = inputs): ModelFace => ({
  name: 'm',
  version: '1',
  inputs,
  outputs,
})
const fp32: TensorFace = { name: 'x', datatype: 'FP32', shape: [-1, 2] }

const elements: { readonly [D in Datatype]: fc.Arbitrary<unknown> } = {
  BOOL: fc.nat(1),
  UINT8: fc.nat(255),
  UINT16: fc.nat(65_535),
  UINT32: fc.nat(4_294_967_295),
  UINT64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  INT8: fc.integer({ min: -128, max: 127 }),
  INT16: fc.integer({ min: -32_768, max: 32_767 }),
  INT32: fc.integer(),
  INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  FP16: fc.nat(65_535),
  FP32: fc.float({ noNaN: true }).filter(value => !Object.is(value, -0)),
  FP64: fc.double({ noNaN: true }).filter(value => !Object.is(value, -0)),
  BYTES: fc.string({ unit: 'grapheme', maxLength: 20 }),
}
const tensor = fc.constantFrom(...(Object.keys(datatypes) as Datatype[])).chain(datatype =>
  fc
    .tuple(fc.array(elements[datatype], { maxLength: 12 }), fc.boolean(), fc.boolean())
    .map(([values, binary, deep]) => {
      const data = datatypes[datatype].make(values.length)
      values.forEach((value, i) => (data[i] = value as never))
      return { datatype, data, binary: binary || datatype === 'FP16', deep }
    }),
)

/** A request as a client writes it, from our writers of answers. */
function written(tensors: readonly OipTensor[], binary: readonly boolean[], nest: (json: string, i: number) => string) {
  const parts: Buffer[] = []
  const inputs = tensors.map(({ name, datatype, shape, data }, i) => {
    const head = `"name":"${name}","datatype":"${datatype}","shape":[${shape.join()}]`
    if (!binary[i]) return `{${head},"data":${nest(writeJsonTensor(datatype, data), i)}}`
    const bytes = writeBinaryTensor(datatype, data)
    parts.push(bytes)
    return `{${head},"parameters":{"binary_data_size":${bytes.length}}}`
  })
  const json = Buffer.from(`{"inputs":[${inputs.join()}]}`)
  return { body: Buffer.concat([json, ...parts]), header: parts.length > 0 ? String(json.length) : undefined }
}

t.test('tensors of every datatype arrive as they were sent, as JSON and as bytes, nested and mixed', async t => {
  fc.assert(
    fc.property(fc.array(tensor, { minLength: 1, maxLength: 4 }), sent => {
      const tensors = sent.map(({ datatype, data, deep }, i) => ({
        name: `i${i}`,
        datatype,
        shape: deep ? [1, data.length] : [data.length],
        data,
      }))
      const { body, header } = written(
        tensors,
        sent.map(({ binary }) => binary),
        (json, i) => (sent[i]?.deep ? `[${json}]` : json),
      )
      const shapes = tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(() => -1) }))
      const { inputs } = readInferRequest(body, header, face(shapes))
      return tensors.every(
        ({ data, shape }, i) =>
          String(inputs[i]?.shape) === String(shape) &&
          inputs[i]?.data.constructor === data.constructor &&
          data.length === inputs[i].data.length &&
          Array.from(data as ArrayLike<unknown>).every((value, at) => Object.is(inputs[i]?.data[at], value)),
      )
    }),
    { numRuns: 500 },
  )
  t.pass('500 examples')
})

t.test('no bytes whatever make more than a refusal', async t => {
  const faces = [
    face([fp32]),
    face([{ name: 's', datatype: 'BYTES', shape: [-1] }]),
    face([fp32, { ...fp32, name: 'y' }]),
  ]
  const json = fc.json({ maxDepth: 4 })
  const likely = fc
    .record(
      {
        name: fc.constantFrom('x', 's', 'y', 1),
        shape: fc.jsonValue(),
        datatype: fc.constantFrom('FP32', 'BYTES', 'x'),
        data: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map(input => JSON.stringify({ inputs: [input], outputs: [input], parameters: input }))
  fc.assert(
    fc.property(
      fc.oneof(json, likely, fc.string()),
      fc.uint8Array({ maxLength: 30 }),
      fc.option(fc.nat(80)),
      (text, tail, header) => {
        for (const one of faces)
          try {
            readInferRequest(
              Buffer.concat([Buffer.from(text), tail]),
              header === null ? undefined : String(header),
              one,
            )
          } catch (error) {
            if (!(error instanceof OipFault && error.status === 400)) throw error
          }
      },
    ),
    { numRuns: 2000 },
  )
  t.pass('2000 examples')
})

t.test('what is wrong is told with the input and the reason', async t => {
  const good = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }
  const body = (input: object, more: object = {}) => JSON.stringify({ inputs: [{ ...good, ...input }], ...more })
  const big = (shape: number[], datatype = 'FP32') => body({ shape, datatype })
  const deep = `{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":${'['.repeat(250_000)}${']'.repeat(250_000)}}]}`
  const int64 = face([{ name: 'x', datatype: 'INT64', shape: [-1] }])
  const uint8 = face([{ name: 'x', datatype: 'UINT8', shape: [-1] }])
  const cases: readonly [what: string, body: string, says: RegExp, header?: string | undefined, face?: ModelFace][] = [
    ['not JSON', '{', /request is not JSON/],
    ['NaN', '{"inputs":[{"data":[NaN]}]}', /NaN and Infinity are not JSON/],
    ['empty', '', /request is empty/],
    ['an array', '[]', /must be a JSON object/],
    ['no inputs', '{}', /must have 'inputs'/],
    ['an unknown input', body({ name: 'z' }), /unexpected inference input 'z' for model 'm', its inputs are: x/],
    ['an input twice', JSON.stringify({ inputs: [good, good] }), /input 'x' already exists/],
    ['no input at all', '{"inputs":[]}', /expected 1 inputs but got 0 inputs .* missing required input\(s\) \['x'\]/],
    ['another datatype', body({ datatype: 'INT32' }), /'x' data-type is 'INT32', but model 'm' expects 'FP32'/],
    ['a datatype that is none', body({ datatype: 'FP33' }), /input 'x' must have a 'datatype'/],
    ['bfloat16', body({ datatype: 'BF16' }), /input 'x' must have a 'datatype' that this server knows, got "BF16"/],
    ['a negative size', big([-1, 2]), /Unable to parse 'shape' of input 'x': -1/],
    ['a fractional size', big([1.5, 2]), /Unable to parse 'shape' of input 'x'/],
    ['a huge shape', big([2 ** 30, 2 ** 30]), /causes total element count to exceed maximum size/],
    ['another rank', big([2]), /unexpected shape for input 'x' for model 'm'. Expected \[-1,2\], got \[2\]/],
    ['another width', big([1, 3]), /unexpected shape for input 'x'/],
    ['too few values', body({ data: [1] }), /input 'x' has 1 elements in 'data', but its 'shape' has 2/],
    ['a text among numbers', body({ data: [1, 'a'] }), /element 1 of input 'x' is "a", which is not FP32/],
    ['null', body({ data: [1, null] }), /element 1 of input 'x' is null, which is not FP32/],
    ['data that are no array', body({ data: 1 }), /'data' of input 'x' must be an array/],
    ['no data', body({ data: undefined }), /input 'x' must have 'data'/],
    ['data nested 250,000 deep', deep, /nested deeper than 100/],
    [
      '300 as UINT8',
      body({ shape: [1], datatype: 'UINT8', data: [300] }),
      /element 0 of input 'x' is 300, which is not UINT8/,
      undefined,
      uint8,
    ],
    [
      'a fraction as INT64',
      body({ shape: [1], datatype: 'INT64', data: [0.5] }),
      /is 0.5, which is not INT64/,
      undefined,
      int64,
    ],
    [
      '1e30 as INT64',
      '{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[1e30]}]}',
      /write all its digits/,
      undefined,
      int64,
    ],
    [
      '2^63 as INT64',
      '{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[9223372036854775808]}]}',
      /9223372036854775808.*is not INT64/,
      undefined,
      int64,
    ],
    [
      'FP16 as JSON',
      body({ datatype: 'FP16' }),
      /FP16 data via JSON is not supported.*input 'x'/,
      undefined,
      face([{ ...fp32, datatype: 'FP16' }]),
    ],
    ['an output that is not there', body({}, { outputs: [{ name: 'q' }] }), /unexpected inference output 'q'/],
    ['an output twice', body({}, { outputs: [{ name: 'x' }, { name: 'x' }] }), /output 'x' already exists in request/],
    ['a reserved parameter', body({}, { parameters: { triton_x: 1 } }), /triton_x.* is reserved/],
    ['a parameter that is an object', body({}, { parameters: { a: {} } }), /parameter 'a' of the request must be/],
    ['a header past the body', body({}), /inference header size should be in range/, '99999999999'],
    ['a header that is no number', body({}), /inference header size/, '-5'],
    [
      'binary data without the header',
      body({ data: undefined, parameters: { binary_data_size: 8 } }),
      /must specify valid 'Inference-Header-Content-Length'/,
    ],
    [
      'too few bytes',
      body({ data: undefined, parameters: { binary_data_size: 8 } }),
      /unexpected size for input 'x', expecting 8 additional bytes for model 'm'/,
      'whole',
    ],
    [
      'both kinds of data',
      body({ parameters: { binary_data_size: 0 } }),
      /has both 'data' and 'binary_data_size'/,
      'whole',
    ],
    [
      'bytes left over',
      `${body({})}abc`,
      /unexpected additional input data for model 'm': 3 bytes/,
      String(body({}).length),
    ],
    ['shared memory', body({ parameters: { shared_memory_region: 'a' } }), /shared memory/],
    [
      'raw bytes for two inputs',
      'abcd',
      /Raw request must only have 1 input \(found 1\) to be deduced but got 2/,
      '0',
      face([fp32, { ...fp32, name: 'y' }]),
    ],
    ['raw bytes that do not fit', 'abcd', /4 bytes of the raw input 'x' do not fit its shape \[1,2\]/, '0'],
  ]
  for (const [what, text, says, header, one] of cases)
    t.throws(
      () => readInferRequest(Buffer.from(text), header === 'whole' ? String(text.length) : header, one ?? face([fp32])),
      { name: 'OipFault', status: 400, message: says },
      what,
    )
})

t.test('whole numbers past 2^53 keep every digit, and other inputs of the same request their values', async t => {
  const text = `{"inputs":[{"name":"n","shape":[2],"datatype":"INT64","data":[9007199254740993,-9223372036854775808]},
    {"name":"x","shape":[1,2],"datatype":"FP32","data":[9007199254740993,0.5]}]}`
  const { inputs } = readInferRequest(
    Buffer.from(text),
    undefined,
    face([{ name: 'n', datatype: 'INT64', shape: [-1] }, fp32]),
  )
  t.same(Array.from(inputs[0]?.data as BigInt64Array), [9007199254740993n, -9223372036854775808n])
  t.same(Array.from(inputs[1]?.data as Float32Array), [9007199254740992, 0.5])
})

t.test('raw bytes take their shape from their size', async t => {
  const raw = (bytes: Buffer, input: TensorFace) => readInferRequest(bytes, '0', face([input])).inputs[0] as OipTensor
  t.match(raw(Buffer.alloc(8), fp32), { shape: [1, 2] })
  t.match(raw(Buffer.alloc(12), { ...fp32, shape: [-1] }), { shape: [3] })
  t.same(raw(Buffer.from('text'), { name: 's', datatype: 'BYTES', shape: [-1, 1] }).data, ['text'])
})

t.test(
  'answers: the id only where one came, NaN as null, bytes behind the JSON, the largest classes with labels',
  async t => {
    const tensors: OipTensor[] = [
      { name: 'a', datatype: 'FP32', shape: [2], data: new Float32Array([Number.NaN, -Infinity]) },
      { name: 'p', datatype: 'FP64', shape: [1, 3], data: new Float64Array([0.25, 0.5, 0.25]) },
    ]
    const about = { model: 'm', version: '3', labels: () => ['low', 'high'] }
    const wanted = (name: string, binary: boolean, classes?: number) => ({ name, binary, classes })
    const plain = writeInferAnswer(about, { id: undefined, outputs: [wanted('a', false)] }, tensors)
    t.equal(
      String(plain.body),
      '{"model_name":"m","model_version":"3","outputs":[{"name":"a","datatype":"FP32","shape":[2],"data":[null,-1e999]}]}',
    )
    const mixed = writeInferAnswer(about, { id: 'r', outputs: [wanted('a', true), wanted('p', false, 2)] }, tensors)
    t.type(plain.body, 'string', 'one piece with the headers')
    t.match(JSON.parse(String(Buffer.from(mixed.body).subarray(0, mixed.headerLength))), {
      id: 'r',
      outputs: [
        { parameters: { binary_data_size: 8 } },
        { datatype: 'BYTES', shape: [1, 2], data: ['0.500000:1:high', '0.250000:0:low'] },
      ],
    })
    t.equal(mixed.body.length - (mixed.headerLength ?? 0), 8)
  },
)
