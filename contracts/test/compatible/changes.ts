// Changes of one small contract, and what each does to those who call it.

// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any
export type Edit = (document: Loose) => void
export type ChangeRow = readonly [title: string, edit: Edit, rule: string, where: string]

const operation = (document: Loose, method = 'post', path = '/v1/sort') => document.paths[path][method]
const input = (document: Loose) => document.components.schemas.Input
const output = (document: Loose) => document.components.schemas.Output
const answers = (document: Loose) => operation(document).responses

export const base = () => ({
  openapi: '3.1.1',
  info: { title: 'Sort', version: '1.0.0' },
  components: {
    schemas: {
      Input: {
        type: 'object',
        properties: {
          by: { type: 'string', enum: ['name', 'size'] },
          limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
          note: { type: 'string', maxLength: 20 },
          tags: { type: 'array', items: { type: 'string' }, maxItems: 8 },
          within: { $ref: '#/components/schemas/Node' },
        },
        required: ['by'],
        additionalProperties: false,
      },
      Node: {
        type: 'object',
        properties: { name: { type: 'string' }, inner: { $ref: '#/components/schemas/Node' } },
        required: ['name'],
        additionalProperties: false,
      },
      Output: {
        type: 'object',
        properties: {
          rows: { type: 'integer', minimum: 0 },
          order: { enum: ['up', 'down'] },
          state: { type: 'string', enum: ['open', 'shut'], 'x-extensible-enum': true },
          warning: { type: 'string' },
          tree: { $ref: '#/components/schemas/Node' },
        },
        required: ['rows', 'order'],
        additionalProperties: false,
      },
      Problem: {
        type: 'object',
        properties: { code: { type: 'string' } },
        required: ['code'],
        additionalProperties: true,
      },
    },
  },
  paths: {
    '/v1/sort': {
      post: {
        operationId: 'sort',
        parameters: [
          { in: 'header', name: 'idempotency-key', required: false, schema: { type: 'string', maxLength: 256 } },
          {
            in: 'query',
            name: 'limit',
            required: true,
            schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
          },
        ],
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Input' } } },
        },
        responses: {
          200: {
            headers: { etag: { required: true, schema: { type: 'string' } } },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Output' } } },
          },
          default: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
        },
      },
    },
    '/v1/sorts/{id}': {
      get: {
        operationId: 'getSort',
        parameters: [{ in: 'path', name: 'id', required: true, schema: { type: 'string', maxLength: 64 } }],
        responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Output' } } } } },
      },
    },
  },
})

const post = 'POST /v1/sort'
export const breakingRows: readonly ChangeRow[] = [
  ['an operation goes', d => delete d.paths['/v1/sorts/{id}'], 'operation-removed', 'GET /v1/sorts/{id}'],
  ['an operation goes before its sunset', d => delete d.paths['/v1/late'], 'operation-removed', 'GET /v1/late'],
  [
    'a parameter must be sent',
    d => operation(d).parameters.push({ in: 'query', name: 'mode', required: true, schema: { type: 'string' } }),
    'parameter-added-required',
    `${post} query parameter "mode"`,
  ],
  [
    'an optional parameter must be sent',
    d => (operation(d).parameters[0].required = true),
    'parameter-became-required',
    `${post} header parameter "idempotency-key"`,
  ],
  [
    'a parameter is narrower',
    d => (operation(d).parameters[1].schema.maximum = 10),
    'parameter-maximum',
    `${post} query parameter "limit"`,
  ],
  [
    'a path parameter is narrower',
    d => (operation(d, 'get', '/v1/sorts/{id}').parameters[0].schema.pattern = '^[0-9]+$'),
    'parameter-pattern',
    'GET /v1/sorts/{id} path parameter "id"',
  ],
  ['a property must be sent', d => input(d).required.push('note'), 'request-body-required', `${post} request /note`],
  [
    'a new property must be sent',
    d => {
      input(d).properties.key = { type: 'string' }
      input(d).required.push('key')
    },
    'request-body-required',
    `${post} request /key`,
  ],
  [
    'a property goes from a closed body',
    d => delete input(d).properties.note,
    'request-body-extra',
    `${post} request /note`,
  ],
  [
    'a property has another type',
    d => (input(d).properties.note = { type: 'integer' }),
    'request-body-type',
    `${post} request /note`,
  ],
  ['a value is no longer taken', d => input(d).properties.by.enum.pop(), 'request-body-value', `${post} request /by`],
  [
    'a bound is tighter',
    d => (input(d).properties.limit.maximum = 50),
    'request-body-maximum',
    `${post} request /limit`,
  ],
  ['a text is shorter', d => (input(d).properties.note.maxLength = 10), 'request-body-length', `${post} request /note`],
  [
    'a text must match',
    d => (input(d).properties.note.pattern = '^[a-z]+$'),
    'request-body-pattern',
    `${post} request /note`,
  ],
  ['a list is shorter', d => (input(d).properties.tags.maxItems = 4), 'request-body-items', `${post} request /tags`],
  [
    'items are narrower',
    d => (input(d).properties.tags.items.minLength = 1),
    'request-body-length',
    `${post} request /tags/*`,
  ],
  [
    'a recursive schema is narrower',
    d => (d.components.schemas.Node.properties.name.maxLength = 9),
    'request-body-length',
    `${post} request /within/name`,
  ],
  [
    'a media type is no longer taken',
    d => (operation(d).requestBody.content = { 'text/csv': {} }),
    'request-media-type-removed',
    `${post} request`,
  ],
  [
    'a body must be sent',
    d => (operation(d, 'get', '/v1/sorts/{id}').requestBody = { required: true, content: {} }),
    'request-body-added-required',
    'GET /v1/sorts/{id} request',
  ],
  [
    'a property may be missing from the answer',
    d => output(d).required.pop(),
    'response-body-required',
    `${post} response 200 /order`,
  ],
  [
    'a property goes from the answer',
    d => {
      delete output(d).properties.rows
      output(d).required.shift()
    },
    'response-body-required',
    `${post} response 200 /rows`,
  ],
  [
    'an enum of an answer becomes extensible',
    d => (output(d).properties.order['x-extensible-enum'] = true),
    'response-body-type',
    `${post} response 200 /order`,
  ],
  [
    'an answer has a new value',
    d => output(d).properties.order.enum.push('none'),
    'response-body-value',
    `${post} response 200 /order`,
  ],
  [
    'an answer may be null',
    d => (output(d).properties.warning = { anyOf: [{ type: 'string' }, { type: 'null' }] }),
    'response-body-type',
    `${post} response 200 /warning`,
  ],
  [
    'an answer is a wider number',
    d => (output(d).properties.rows.type = 'number'),
    'response-body-multiple',
    `${post} response 200 /rows`,
  ],
  [
    'an answer is below its bound',
    d => (output(d).properties.rows.minimum = -1),
    'response-body-minimum',
    `${post} response 200 /rows`,
  ],
  [
    'a status goes',
    d => {
      answers(d)[201] = answers(d)[200]
      delete answers(d)[200]
    },
    'response-success-removed',
    `${post} response 200`,
  ],
  [
    'another media type is answered',
    d => (answers(d)[200].content = { 'text/csv': {} }),
    'response-media-type-removed',
    `${post} response 200`,
  ],
  [
    'a header goes',
    d => delete answers(d)[200].headers.etag,
    'response-header-removed',
    `${post} response 200 header "etag"`,
  ],
  [
    'a header may be missing',
    d => delete answers(d)[200].headers.etag.required,
    'response-header-became-optional',
    `${post} response 200 header "etag"`,
  ],
  [
    'a failure looks different',
    d => (answers(d)[404] = { content: { 'application/json': {} } }),
    'response-media-type-removed',
    `${post} response 404`,
  ],
  ['credentials are asked for', d => (operation(d).security = [{ bearer: [] }]), 'security-narrowed', post],
  [
    'a constraint that cannot be compared',
    d => (input(d).properties.note.not = { const: 'x' }),
    'request-body-unproven',
    `${post} request /note`,
  ],
]

export const harmlessRows: readonly ChangeRow[] = [
  ['an operation is added', d => (d.paths['/v1/more'] = { get: { responses: {} } }), 'operation-added', 'GET /v1/more'],
  [
    'an operation goes after its sunset',
    d => delete d.paths['/v1/old'],
    'operation-removed-after-sunset',
    'GET /v1/old',
  ],
  [
    'an optional parameter is added',
    d => operation(d).parameters.push({ in: 'query', name: 'mode', schema: { type: 'string' } }),
    'parameter-added',
    `${post} query parameter "mode"`,
  ],
  [
    'a parameter with a default is added',
    d =>
      operation(d).parameters.push({
        in: 'query',
        name: 'mode',
        required: true,
        schema: { type: 'string', default: 'a' },
      }),
    'parameter-added',
    `${post} query parameter "mode"`,
  ],
  [
    'an optional property is added',
    d => (input(d).properties.more = { type: 'string' }),
    'request-body-widened',
    `${post} request`,
  ],
  ['a property need not be sent', d => input(d).required.pop(), 'request-body-widened', `${post} request`],
  [
    'a value is taken as well',
    d => input(d).properties.by.enum.push('date'),
    'request-body-widened',
    `${post} request`,
  ],
  ['a bound is wider', d => (input(d).properties.limit.maximum = 1000), 'request-body-widened', `${post} request`],
  [
    'a property is added to the answer',
    d => {
      output(d).properties.took = { type: 'number' }
      output(d).required.push('took')
    },
    'response-body-narrowed',
    `${post} response 200`,
  ],
  [
    'an optional property goes from the answer',
    d => delete output(d).properties.warning,
    'response-body-narrowed',
    `${post} response 200`,
  ],
  [
    'a property is always answered',
    d => output(d).required.push('warning'),
    'response-body-narrowed',
    `${post} response 200`,
  ],
  [
    'an answer has fewer values',
    d => output(d).properties.order.enum.pop(),
    'response-body-narrowed',
    `${post} response 200`,
  ],
  [
    'a media type is taken as well',
    d => (operation(d).requestBody.content['text/csv'] = {}),
    'request-media-type-added',
    `${post} request`,
  ],
  ['a failure is named', d => (answers(d)[404] = answers(d).default), 'response-added', `${post} response 404`],
  [
    'an operation is deprecated with a day',
    d => Object.assign(operation(d), { deprecated: true, 'x-sunset': '2027-06-01' }),
    'operation-deprecated',
    post,
  ],
]

export const warningRows: readonly ChangeRow[] = [
  [
    'a default changes',
    d => (input(d).properties.limit.default = 20),
    'request-body-default',
    `${post} request /limit`,
  ],
  [
    'a parameter is no longer read',
    d => operation(d).parameters.shift(),
    'parameter-removed',
    `${post} header parameter "idempotency-key"`,
  ],
  [
    'an operation is deprecated without a day',
    d => (operation(d).deprecated = true),
    'operation-deprecated-without-sunset',
    post,
  ],
  [
    'a property is deprecated without a day',
    d => (input(d).properties.note.deprecated = true),
    'request-body-deprecated-without-sunset',
    `${post} request /note`,
  ],
  ['an operation has another id', d => (operation(d).operationId = 'order'), 'operation-id-changed', post],
]

export const silentRows: readonly (readonly [title: string, edit: Edit])[] = [
  ['a value is added to an extensible enum of an answer', d => output(d).properties.state.enum.push('ajar')],
  ['nothing', () => {}],
  ['a description', d => (input(d).properties.note.description = 'For people.')],
  [
    'the name of a path parameter',
    d => {
      d.paths['/v1/sorts/{sort}'] = d.paths['/v1/sorts/{id}']
      d.paths['/v1/sorts/{sort}'].get.parameters[0].name = 'sort'
      delete d.paths['/v1/sorts/{id}']
    },
  ],
  [
    'the name of a component',
    d => {
      d.components.schemas.SortInput = d.components.schemas.Input
      operation(d).requestBody.content['application/json'].schema.$ref = '#/components/schemas/SortInput'
    },
  ],
]
