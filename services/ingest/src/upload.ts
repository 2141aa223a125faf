// PUT /v1/datasets: a file of any size goes to the artefact store as it is, in constant memory. What breaks off on
// the way leaves nothing.

import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { type ArtefactRef, MeshError, Problem, UploadAnswer } from '@meshwork/contracts'
import type { ArtefactStore, ServiceContext, StoredArtefact } from '@meshwork/kit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { propose } from './propose.ts'
import { readSettings } from './settings.ts'
import { nameOf } from './source/acquire.ts'

const sha256Header = 'meshwork-sha256'
/** A body that is refused is read to its end for so long. */
const drainTimeoutMs = 30_000
const mediaTypeDefault = 'application/octet-stream'

export async function uploadRoute(app: FastifyInstance, service: ServiceContext): Promise<void> {
  const { uploadBytesMax } = readSettings(service.environment)
  const { store } = service
  await app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    const checked = app.validatorCompiler
    scope.put(
      '/v1/datasets',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        // The body is a stream: there is nothing to validate in it.
        validatorCompiler: route => (route.httpPart === 'body' || !checked ? () => true : checked(route)),
        schema: {
          operationId: 'uploadDataset',
          tags: ['stage'],
          summary: 'Uploads a file to ingest',
          description:
            'Any content type; compressed files stay as they are. The answer is the reference to give as `source` to ingest, and what its first records look like.',
          consumes: [mediaTypeDefault],
          querystring: Type.Object({
            name: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 255,
                pattern: '^[^\\u0000-\\u001f\\u007f]+$',
                description: 'File name, for people.',
              }),
            ),
          }),
          headers: Type.Object({
            [sha256Header]: Type.Optional(
              Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: 'SHA-256 the body must have.' }),
            ),
          }),
          body: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }),
          response: { 201: UploadAnswer, default: Problem },
        },
      },
      async (request, reply) => {
        const { name } = request.query as { name?: string }
        const expected = (request.headers[sha256Header] as string | undefined)?.toLowerCase()
        const { hash, bytes } = await storeBody(request, reply, store, { uploadBytesMax, expected })
        if (bytes === 0)
          throw new MeshError('MESHWORK_INGEST_EMPTY', { source: name === undefined ? 'The body' : `File "${name}"` })
        const upload: ArtefactRef = {
          kind: 'artefact',
          hash,
          bytes,
          mediaType: mediaTypeOf(request),
          ...(name === undefined ? {} : { name }),
        }
        const found = await propose(await store.localPath(hash), nameOf(upload))
        return await reply.code(201).send({ upload, ...found })
      },
    )
  })
}

async function storeBody(
  request: FastifyRequest,
  reply: FastifyReply,
  store: ArtefactStore,
  { uploadBytesMax, expected }: { uploadBytesMax: number; expected: string | undefined },
): Promise<StoredArtefact> {
  try {
    return await store.put(limited(request, uploadBytesMax), expected === undefined ? {} : { expected })
  } catch (error) {
    // A sender that is cut off sees a broken connection and not the answer, so the rest is read and thrown away.
    if (!request.raw.complete && !(await drained(request))) void reply.header('connection', 'close')
    throw error
  }
}

/** Whether the rest of the body came within the time it is given. */
async function drained({ raw }: FastifyRequest): Promise<boolean> {
  const timer = AbortSignal.timeout(drainTimeoutMs)
  raw.resume()
  return await once(raw, 'end', { signal: timer }).then(
    () => true,
    () => false,
  )
}

function mediaTypeOf(request: FastifyRequest): string {
  const given = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? ''
  return /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(given) ? given.toLowerCase() : mediaTypeDefault
}

async function* limited(request: FastifyRequest, limitBytes: number): AsyncGenerator<Uint8Array> {
  const tooLarge = () =>
    new MeshError('MESHWORK_INGEST_TOO_LARGE', {
      source: 'The body',
      limitBytes,
      setting: 'MESHWORK_INGEST_UPLOAD_BYTES_MAX',
    })
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge()
  let bytes = 0
  const body = request.body as Readable | undefined
  for await (const chunk of body?.iterator({ destroyOnReturn: false }) ?? []) {
    bytes += (chunk as Buffer).byteLength
    if (bytes > limitBytes) throw tooLarge()
    yield chunk as Buffer
  }
}
