import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readInferRequest } from '../oip/request.ts'
import { writeInferAnswer } from '../oip/response.ts'
import { decoded, encoded } from './encoding.ts'
import { InFlight } from './in-flight.ts'
import { answering, namesVersion } from './models.ts'
import type { OipParts } from './oip-routes.ts'
import { OipError, OipInferAnswer, OipInferRequest } from './schemas.ts'

const lengthHeader = 'inference-header-content-length'
const empty = Buffer.alloc(0)

export function useInferRoutes(app: FastifyInstance, parts: OipParts): void {
  const inFlight = new InFlight(parts.inFlightBytesMax, parts.bodyBytesMax)
  app.decorateRequest('leave', undefined)
  for (const [path, operationId] of [
    ['/models/:model/infer', 'oipInfer'],
    ['/models/:model/versions/:version/infer', 'oipInferVersion'],
  ] as const)
    app.post(
      path,
      {
        bodyLimit: parts.bodyBytesMax,
        onRequest: async (request, reply) => inFlight.enter(request, reply),
        schema: {
          operationId,
          tags: ['inference protocol'],
          summary: 'Run a model on tensors',
          description:
            'JSON, or JSON followed by the bytes of tensors with `Inference-Header-Content-Length`, or (with 0 there) nothing but the bytes of the one input. `Content-Encoding` may be gzip or deflate.',
          consumes: ['application/json', 'application/octet-stream'],
          body: OipInferRequest,
          response: { 200: OipInferAnswer, default: OipError },
        },
      },
      async (request, reply) => await infer(request, reply, parts),
    )
}

async function infer(request: FastifyRequest, reply: FastifyReply, parts: OipParts): Promise<FastifyReply> {
  const { headers } = request
  const received = (request.body as Buffer | undefined) ?? empty
  const encoding = headers['content-encoding']
  const body = encoding === undefined ? received : await decoded(received, encoding, parts.bodyBytesMax)
  // From here to the queue nothing is waited for: the version cannot be retired in between.
  const version = answering(request, parts.models)
  const wanted = readInferRequest(body, headers[lengthHeader] as string | undefined, version.face)
  const shadow = namesVersion(request) ? undefined : parts.models().shadowOf(version.name)
  const copy = shadow?.copy(wanted, version)
  const { outputs, cancel } = version.infer(wanted, body.length, { trace: request.trace })
  if (copy) shadow?.follow(copy, version, outputs)
  if (reply.raw.destroyed) cancel()
  else request.leave = cancel
  const tensors = await outputs
  request.leave = undefined
  const { name: model, version: number } = version
  const answer = writeInferAnswer({ model, version: number, labels: name => version.labels(name) }, wanted, tensors)
  const accepted = headers['accept-encoding']
  const sent =
    accepted === undefined ? { body: answer.body, encoding: undefined } : await encoded(answer.body, accepted)
  if (sent.encoding !== undefined) void reply.header('content-encoding', sent.encoding)
  if (answer.headerLength !== undefined) void reply.header(lengthHeader, String(answer.headerLength))
  return await reply
    .type(answer.headerLength === undefined ? 'application/json' : 'application/octet-stream')
    .send(sent.body)
}
