import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { compile, type Problem, UploadAnswer } from '@meshwork/contracts'
import { startStage, temporaryStore } from '@meshwork/kit/testing'
import t from 'tap'
import { request } from 'undici'
import { stage } from '../src/stage.ts'

const module = new URL('../src/stage.ts', import.meta.url)
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')

t.test('over the wire', async t => {
  const store = await temporaryStore(t)
  const { url } = await startStage(t, stage, module, {
    store,
    environment: { MESHWORK_INGEST_UPLOAD_BYTES_MAX: '30000000' },
  })
  const left = async () => await readdir(fileURLToPath(new URL(store.url)), { recursive: true })
  const put = async (body: string | Buffer | Readable, query = '', headers: Record<string, string> = {}) => {
    const answer = await request(`${url}/v1/datasets${query}`, { method: 'PUT', body, headers })
    return { status: answer.statusCode, body: (await answer.body.json()) as UploadAnswer & Problem }
  }

  await t.test('an upload is stored as it came and proposes how to ingest it', async t => {
    const text = 'day;n\n2001-01-31;007\n'
    const { status, body } = await put(text, '?name=days.csv', { 'content-type': 'text/csv; charset=utf-8' })
    t.equal(status, 201)
    t.same(compile(UploadAnswer).check(body), [])
    t.same(body.upload, {
      kind: 'artefact',
      hash: sha256(text),
      bytes: text.length,
      mediaType: 'text/csv',
      name: 'days.csv',
    })
    t.match(body.proposal, {
      format: 'csv',
      compression: 'none',
      encoding: 'utf-8',
      csv: { delimiter: ';', header: true },
      schema: [
        { name: 'day', type: 'date' },
        { name: 'n', type: 'string' },
      ],
    })
    t.match(body.warnings, [/leading zeros/])

    const ingested = await request(`${url}/v1/ingest`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: body.upload, ...body.proposal }),
    })
    t.match(await ingested.body.json(), { rows: 1, source: { sha256: sha256(text) } }, 'the proposal is an input')
  })

  await t.test('a compressed body is kept as its bytes', async t => {
    const packed = gzipSync('{"a":1}\n')
    const { body } = await put(packed, '', { 'content-encoding': 'gzip', 'content-type': 'application/x-ndjson' })
    t.match(body, {
      upload: { hash: sha256(packed), bytes: packed.length },
      proposal: { format: 'ndjson', compression: 'gzip' },
    })
  })

  await t.test('what cannot be read is stored, with the reason instead of a proposal', async t => {
    const { status, body } = await put(Buffer.alloc(1000))
    t.equal(status, 201)
    t.equal(body.proposal, null)
    t.match(body.warnings, [/no text/])
    t.match((await put('PAR1 and no more')).body, { proposal: null, warnings: [/cannot be read as parquet/] })
  })

  await t.test('a hash that was announced is checked', async t => {
    const good = await put('a\n1\n', '', { 'meshwork-sha256': sha256('a\n1\n').toUpperCase() })
    t.equal(good.status, 201)
    const before = await left()
    t.match(await put('a\n2\n', '', { 'meshwork-sha256': sha256('a\n1\n') }), {
      status: 422,
      body: { code: 'MESHWORK_ARTEFACT_WRONG_HASH' },
    })
    t.match(await put('a\n2\n', '', { 'meshwork-sha256': 'short' }), {
      status: 400,
      body: { code: 'MESHWORK_REQUEST_INVALID' },
    })
    t.same(await left(), before, 'nothing was kept')
  })

  await t.test('any size is taken in a stream, up to the limit of the operator', async t => {
    const chunk = Buffer.alloc(1e6, 'a,b\n')
    const chunks = (count: number) => Readable.from(Array.from({ length: count }, () => chunk))
    t.match(await put(chunks(25)), { status: 201, body: { upload: { bytes: 25e6 }, proposal: { format: 'csv' } } })
    const before = await left()
    t.match(await put(chunks(31)), { status: 413, body: { code: 'MESHWORK_INGEST_TOO_LARGE' } })
    t.match(await put(''), { status: 422, body: { code: 'MESHWORK_INGEST_EMPTY' } })
    t.match(await put('x', `?name=${'n'.repeat(256)}`), { status: 400 })
    t.same(
      (await left()).filter(path => !before.includes(path) && path.startsWith('tmp')),
      [],
    )
  })

  await t.test('a client that goes away leaves nothing', async t => {
    const before = await left()
    const upload = httpRequest(`${url}/v1/datasets`, { method: 'PUT', headers: { 'content-length': '1000000' } })
    upload.on('error', () => {})
    upload.write(Buffer.alloc(500_000, 'a,b\n'))
    await until(async () => (await left()).some(path => !before.includes(path)))
    upload.destroy()
    await until(async () => (await left()).every(path => before.includes(path)))
    t.same(await left(), before)
  })

  await t.test('the route is in the OpenAPI document', async t => {
    const { body } = await request(`${url}/openapi.json`)
    const document = (await body.json()) as { paths: Record<string, unknown> }
    t.match(document.paths['/v1/datasets'], {
      put: { operationId: 'uploadDataset', requestBody: { content: { 'application/octet-stream': {} } } },
    })
  })

  await t.test('a bad file is the problem of the caller, in the worker process as well', async t => {
    const { body } = await put('a,b\n1\n')
    const answer = await request(`${url}/v1/ingest`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: body.upload }),
    })
    t.equal(answer.statusCode, 422)
    t.match(await answer.body.json(), { code: 'MESHWORK_INGEST_REJECTS', retryable: false })
  })
})

/** Resolves when the condition holds; the test's own timeout ends it otherwise. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setImmediate(resolve))
}
