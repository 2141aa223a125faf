// Artefacts through the public door: any file in, by streaming, and verified content out.

import { ArtefactRef, MeshError, Problem, Sha256 } from '@meshwork/contracts'
import type { App, LocalStore } from '@meshwork/kit'
import Type from 'typebox'

const types: Record<string, readonly [contentType: string, policy: string]> = {
  // A report is a page of somebody's making: it runs nothing and fetches nothing, whoever wrote it.
  'text/html': ['text/html; charset=utf-8', "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"],
  'application/json': ['application/json; charset=utf-8', "default-src 'none'"],
  'text/csv': ['text/csv; charset=utf-8', "default-src 'none'"],
  'application/vnd.apache.parquet': ['application/vnd.apache.parquet', "default-src 'none'"],
  'application/octet-stream': ['application/octet-stream', "default-src 'none'; sandbox"],
}
const typeNames = Object.keys(types)
const fileName = '^[^\\u0000-\\u001f"\\\\/]{1,255}$'

export async function useArtefacts(app: App, store: LocalStore): Promise<void> {
  await app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_, payload, done) => done(null, payload))
    scope.put(
      '/v1/artefacts',
      {
        schema: {
          operationId: 'putArtefact',
          tags: ['artefacts'],
          summary: 'Put a file into the artefact store',
          description: 'The body is the file, of any type and size. The answer is the reference to pass on.',
          querystring: Type.Object({
            name: Type.Optional(Type.String({ pattern: fileName, description: 'File name, for people.' })),
          }),
          response: { 201: ArtefactRef, default: Problem },
        },
      },
      async (request, reply) => {
        const { name } = request.query as { name?: string }
        const stored = await store.put(request.body === undefined ? '' : (request.body as AsyncIterable<Uint8Array>))
        const mediaType =
          (request.headers['content-type'] ?? 'application/octet-stream').split(';')[0]?.trim() ||
          'application/octet-stream'
        return await reply
          .code(201)
          .send({ kind: 'artefact', ...stored, mediaType, ...(name === undefined ? {} : { name }) })
      },
    )
  })

  app.get(
    '/v1/artefacts/:hash',
    {
      schema: {
        operationId: 'getArtefact',
        tags: ['artefacts'],
        summary: 'Get a file of the artefact store',
        params: Type.Object({ hash: Sha256 }),
        querystring: Type.Object({
          type: Type.String({
            default: 'application/octet-stream',
            maxLength: 127,
            description: `Media type to serve it as: ${typeNames.join(', ')}.`,
          }),
          name: Type.Optional(Type.String({ pattern: fileName, description: 'Offers it as a download of this name.' })),
        }),
        produces: typeNames,
        response: {
          200: Type.Unsafe<NodeJS.ReadableStream>({ type: 'string', format: 'binary', description: 'The file.' }),
          304: Type.Null({ description: 'What the caller has is this file.' }),
          default: Problem,
        },
      },
    },
    async (request, reply) => {
      const { hash } = request.params
      const { type, name } = request.query
      const known = types[type]
      if (!known) throw new MeshError('MESHWORK_ARTEFACT_TYPE', { type, types: typeNames.join(', ') })
      const [contentType, policy] = known
      if (request.headers['if-none-match'] === `"${hash}"`) return await reply.code(304).send(null)
      const head = await store.head(hash)
      if (!head) throw new MeshError('MESHWORK_ARTEFACT_MISSING', { hash })
      void reply.headers({
        'content-type': contentType,
        'content-length': String(head.bytes),
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, max-age=31536000, immutable',
        etag: `"${hash}"`,
      })
      if (name !== undefined)
        void reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
      return await reply.send(await store.stream(hash))
    },
  )
}
