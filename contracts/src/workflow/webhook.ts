// Webhooks: what is sent when something happens to a run, signed after the Standard Webhooks specification
// (https://www.standardwebhooks.com): headers webhook-id, webhook-timestamp and webhook-signature.

import Type, { type Static } from 'typebox'
import { Closed, Nullable } from '../schema.ts'
import { WorkflowName } from './document.ts'
import { eventTypes } from './run.ts'

const Time = (description: string) => Type.String({ format: 'date-time', description })

export const WebhookName = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  description: 'Lower-case letters, digits and hyphens.',
  examples: ['tell-the-team'],
})

const EventPattern = Type.Unsafe<string>({ type: 'string', enum: [...eventTypes, 'run.*', 'step.*'] })
export const webhookEventsDefault = ['run.succeeded', 'run.failed', 'run.cancelled']

export const WebhookDefinition = Closed(
  {
    url: Type.String({
      maxLength: 2048,
      description: 'http or https.',
      examples: ['https://example.org/hooks/meshwork'],
    }),
    events: Type.Optional(
      Type.Array(EventPattern, {
        minItems: 1,
        maxItems: 64,
        description: `Types of events, or all of a kind: run.*, step.*. Default: ${webhookEventsDefault.join(', ')}.`,
      }),
    ),
    workflows: Type.Optional(Type.Array(WorkflowName, { maxItems: 256, description: 'Default: of all workflows.' })),
  },
  { title: 'WebhookDefinition' },
)
export type WebhookDefinition = Static<typeof WebhookDefinition>

export const WebhookView = Closed(
  {
    name: WebhookName,
    url: Type.String(),
    events: Type.Array(Type.String()),
    workflows: Type.Array(WorkflowName),
    disabled: Nullable(Type.String({ description: 'Why nothing is sent any more; PUT sends again.' })),
    createdAt: Time('When it was made.'),
    secret: Type.Optional(
      Type.String({ description: 'What signatures are made with. It is answered once: when the webhook is made.' }),
    ),
  },
  { title: 'Webhook' },
)
export type WebhookView = Static<typeof WebhookView>

/** The body of what is sent. */
export const WebhookMessage = Closed(
  {
    type: Type.String({ description: 'Type of the event.', examples: ['run.succeeded'] }),
    timestamp: Time('When it was recorded.'),
    data: Closed({
      run: Type.String({ format: 'uuid' }),
      workflow: WorkflowName,
      version: Type.Integer({ minimum: 1 }),
      status: Type.String({ description: 'Of the run, when the event was recorded.' }),
      event: Type.Integer({
        description: 'Its number among the events of the run: what comes twice or late is seen by it.',
      }),
      step: Nullable(Type.String()),
      attempt: Nullable(Type.Integer()),
      detail: Type.Unsafe<Record<string, unknown>>({ type: 'object', description: 'As in the events of the run.' }),
    }),
  },
  { title: 'WebhookMessage' },
)
export type WebhookMessage = Static<typeof WebhookMessage>

export const DeliveryView = Closed(
  {
    id: Type.String({ format: 'uuid', description: 'The header webhook-id, the same in every attempt.' }),
    message: WebhookMessage,
    status: Type.Unsafe<'waiting' | 'delivered' | 'given-up'>({
      type: 'string',
      enum: ['waiting', 'delivered', 'given-up'],
    }),
    attempts: Type.Integer({ minimum: 0 }),
    answer: Nullable(Type.String({ description: 'What the last attempt came to.', examples: ['204', 'ECONNREFUSED'] })),
    nextAt: Nullable(Time('When the next attempt is due.')),
    createdAt: Time('When the event was recorded.'),
  },
  { title: 'Delivery' },
)
export type DeliveryView = Static<typeof DeliveryView>
