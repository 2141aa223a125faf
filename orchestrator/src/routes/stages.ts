import { breaks, DeploymentView, Problem, ReplacementCheck, type StageInfo } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import type { KnownStage } from '../definition/check.ts'
import { brokenWorkflows } from '../plan/replacement.ts'
import type { Directory } from '../stage/directory.ts'
import type { Planner } from '../stage/planner.ts'
import type { Deployments } from '../store/deployments.ts'
import type { Workflows } from '../store/workflows.ts'

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

export interface StageRoutesOptions {
  readonly directory: Directory
  readonly deployments: Deployments
  readonly workflows: Workflows
  readonly planner: Planner
}

const workflowsMax = 1000

export function stageRoutes(app: App, { directory, deployments, workflows, planner }: StageRoutesOptions): void {
  app.post(
    '/v1/stages::check',
    {
      schema: {
        operationId: 'checkReplacement',
        tags,
        summary: 'What a new version of a stage would break',
        description:
          'Before a deployment is replaced: the new version runs at `url`, unregistered. Its contracts are compared with those of the version that is running, and every registered workflow that uses the stage (the newest version of each) is checked with it, columns included.',
        body: StageAddress,
        response: { 200: ReplacementCheck, default: Problem },
      },
    },
    async request => {
      const { deployment: newer, info } = await directory.describe(request.body.url)
      const stages = await directory.known()
      const standing = stages.find(({ name }) => name === newer.stage)
      const replaced = { name: newer.stage, majors: newer.majors, contracts: newer.contracts }
      const then = [...stages.filter(({ name }) => name !== newer.stage), replaced]
      const rows = (await workflows.list('', workflowsMax)).filter(row =>
        row.plan.steps.some(({ stage }) => stage === newer.stage),
      )
      const broken = await brokenWorkflows(
        rows,
        { stages, planner },
        { stages: then, planner: planner.replacedBy(newer) },
      )
      const running = standing ? await runningInfo(directory, standing, newer.url) : undefined
      return {
        stage: newer.stage,
        version: newer.version,
        replaces: running?.version ?? null,
        safe: broken.length === 0,
        contract: (running ? breaks(running, info) : []).map(({ rule, where, detail }) => ({ rule, where, detail })),
        checked: rows.length,
        breaks: broken,
      }
    },
  )

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

/** What the version that is running says of itself, asked anew. */
async function runningInfo(directory: Directory, { name }: KnownStage, except: string): Promise<StageInfo | undefined> {
  const standing = directory
    .views()
    .find(({ stage, url, status }) => stage === name && url !== except && status === 'ready')
  return standing && (await directory.describe(standing.url)).info
}
