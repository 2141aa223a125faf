import { DeploymentView, Problem } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import type { Directory } from '../stage/directory.ts'
import type { Deployments } from '../store/deployments.ts'

const DeploymentList = Type.Object(
  { items: Type.Array(DeploymentView) },
  { additionalProperties: false, title: 'DeploymentList' },
)
const StageAddress = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://[^\\s]+$',
      maxLength: 2048,
      description: 'Address of a service that speaks stage protocol v1.',
      examples: ['http://127.0.0.1:4100'],
    }),
  },
  { additionalProperties: false, title: 'StageAddress' },
)
const tags = ['stages']

export function stageRoutes(app: App, directory: Directory, deployments: Deployments): void {
  app.get(
    '/v1/stages',
    {
      schema: {
        operationId: 'listStages',
        tags,
        summary: 'Deployments of stages and how they are',
        response: { 200: DeploymentList, default: Problem },
      },
    },
    async () => ({ items: directory.views() }),
  )

  app.post(
    '/v1/stages',
    {
      schema: {
        operationId: 'registerStage',
        tags,
        summary: 'Register a running stage',
        description:
          'The address is asked what it is (`GET /v1/stage`); workflows can use it from then on, also after a restart.',
        body: StageAddress,
        response: { 201: DeploymentView, default: Problem },
      },
    },
    async (request, reply) => {
      const { stage, url } = await directory.register(request.body.url)
      await deployments.add(stage, url)
      return await reply.code(201).send(directory.views().find(view => view.url === url) as DeploymentView)
    },
  )

  app.delete(
    '/v1/stages',
    {
      schema: {
        operationId: 'removeStage',
        tags,
        summary: 'Forget a deployment',
        querystring: Type.Object({ url: Type.String({ maxLength: 2048 }) }),
        response: { 200: DeploymentList, default: Problem },
      },
    },
    async request => {
      directory.remove(request.query.url)
      await deployments.remove(request.query.url.replace(/\/+$/, ''))
      return { items: directory.views() }
    },
  )
}
