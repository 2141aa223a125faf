import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badRequest } from '../oip/fault.ts'
import { readParameters } from '../oip/parameters.ts'
import { readObject } from '../oip/read-json.ts'
import type { OipParts } from './oip-routes.ts'
import { OipChange, OipError, OipIndex, OipIndexRequest } from './schemas.ts'

export function useRepositoryRoutes(app: FastifyInstance, { models }: OipParts): void {
  const schema = (operationId: string, summary: string, body: unknown, answer: unknown) => ({
    schema: {
      operationId,
      tags: ['inference protocol'],
      summary,
      body,
      response: { 200: answer, default: OipError },
    },
  })
  const empty = { type: 'null', description: 'Nothing.' }
  app.post(
    '/repository/index',
    schema('oipIndex', 'Models of the repository and their state', OipIndexRequest, OipIndex),
    async request => {
      const ready = read(request)?.['ready']
      if (ready !== undefined && typeof ready !== 'boolean')
        throw badRequest("Invalid value for 'ready': expected a boolean")
      return await models().index(ready === true)
    },
  )
  app.post(
    '/repository/models/:model/load',
    schema('oipLoad', 'Serve the newest version of a model', OipChange, empty),
    async (request, reply) => {
      const parameters = readParameters(read(request)?.['parameters'], 'the request')
      if (Object.keys(parameters).length > 0)
        throw badRequest('a model is loaded as it lies in the folder of models: send no parameters')
      await models().load(nameOf(request))
      return await reply.code(200).send()
    },
  )
  app.post(
    '/repository/models/:model/unload',
    schema('oipUnload', 'Serve a model no more', OipChange, empty),
    async (request, reply) => {
      read(request)
      await models().unload(nameOf(request))
      return await reply.code(200).send()
    },
  )
}

const nameOf = (request: FastifyRequest): string => (request.params as { model: string }).model

function read(request: FastifyRequest): Record<string, unknown> | undefined {
  const body = request.body as Buffer | null | undefined
  return body ? readObject(body.toString('utf8'), 'the request') : undefined
}
