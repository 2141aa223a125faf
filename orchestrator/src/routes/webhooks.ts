import { randomBytes } from 'node:crypto'
import {
  DeliveryView,
  MeshError,
  Problem,
  WebhookDefinition,
  webhookEventsDefault,
  WebhookName,
  WebhookView,
} from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import { type DeliveryRow, type WebhookRow, type Webhooks, webhooksMax } from '../store/webhooks.ts'
import { secretPrefix } from '../webhook/message.ts'
import type { WebhookClient } from '../webhook/post.ts'

const tags = ['webhooks']
const ofWebhook = Type.Object({ name: WebhookName })
const WebhookList = Type.Object(
  { items: Type.Array(WebhookView, { maxItems: webhooksMax }) },
  { additionalProperties: false, title: 'WebhookList' },
)
const DeliveryList = Type.Object(
  { items: Type.Array(DeliveryView) },
  { additionalProperties: false, title: 'DeliveryList' },
)

export function webhookRoutes(app: App, webhooks: Webhooks, client: WebhookClient): void {
  app.put(
    '/v1/webhooks/:name',
    {
      schema: {
        operationId: 'putWebhook',
        tags,
        summary: 'Make or change a webhook',
        description:
          'Events from now on are posted to it, signed after Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature), at least once each, in no certain order, for some seven hours until it answers 2xx. The secret is answered when it is made, and only then. 410 Gone ends it.',
        params: ofWebhook,
        body: WebhookDefinition,
        response: { 200: WebhookView, 201: WebhookView, default: Problem },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const reason = client.fault(request.body.url)
      if (reason !== undefined) throw new MeshError('MESHWORK_WEBHOOK_INVALID', { reason })
      const standing = await webhooks.list()
      if (standing.length >= webhooksMax && !standing.some(row => row.name === name))
        throw new MeshError('MESHWORK_WEBHOOK_INVALID', { reason: `there are ${webhooksMax} webhooks, the limit` })
      const secret = `${secretPrefix}${randomBytes(32).toString('base64')}`
      const row = await webhooks.put(name, { events: webhookEventsDefault, ...request.body }, secret)
      return await reply.code(row.made ? 201 : 200).send({ ...view(row), ...(row.made && { secret }) })
    },
  )

  app.get(
    '/v1/webhooks',
    {
      schema: {
        operationId: 'listWebhooks',
        tags,
        summary: 'List webhooks by name',
        response: { 200: WebhookList, default: Problem },
      },
    },
    async () => ({ items: (await webhooks.list()).map(view) }),
  )

  app.get(
    '/v1/webhooks/:name',
    {
      schema: {
        operationId: 'getWebhook',
        tags,
        summary: 'A webhook',
        params: ofWebhook,
        response: { 200: WebhookView, default: Problem },
      },
    },
    async request => view(await find(request.params.name)),
  )

  app.delete(
    '/v1/webhooks/:name',
    {
      schema: {
        operationId: 'deleteWebhook',
        tags,
        summary: 'Remove a webhook, and what it has not been sent',
        params: ofWebhook,
        response: { 204: Type.Null(), default: Problem },
      },
    },
    async (request, reply) => {
      if (!(await webhooks.remove(request.params.name))) throw unknown(request.params.name)
      return await reply.code(204).send(null)
    },
  )

  app.get(
    '/v1/webhooks/:name/deliveries',
    {
      schema: {
        operationId: 'listDeliveries',
        tags,
        summary: 'What was sent to a webhook and what came of it, newest first',
        description: 'What has come to its end is kept for a day.',
        params: ofWebhook,
        querystring: Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }) }),
        response: { 200: DeliveryList, default: Problem },
      },
    },
    async request => {
      const { name } = await find(request.params.name)
      return { items: (await webhooks.deliveries(name, request.query.limit)).map(deliveryView) }
    },
  )

  async function find(name: string): Promise<WebhookRow> {
    const row = await webhooks.get(name)
    if (!row) throw unknown(name)
    return row
  }
}

const unknown = (webhook: string): MeshError => new MeshError('MESHWORK_WEBHOOK_UNKNOWN', { webhook })

const view = ({ name, url, events, workflows, disabled, created_at }: WebhookRow): WebhookView => ({
  name,
  url,
  events,
  workflows,
  disabled,
  createdAt: new Date(created_at).toISOString(),
})

const deliveryView = ({ id, body, attempts, next_at, answer, delivered, created_at }: DeliveryRow): DeliveryView => ({
  id,
  message: body,
  status: delivered ? 'delivered' : next_at === null ? 'given-up' : 'waiting',
  attempts,
  answer,
  nextAt: next_at === null ? null : new Date(next_at).toISOString(),
  createdAt: new Date(created_at).toISOString(),
})
