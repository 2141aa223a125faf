import { MeshError, Problem, RunEvent } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import type { RunNews } from '../events.ts'
import { eventView } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import type { EngineMetrics } from '../telemetry/metrics.ts'
import { findRun } from './runs.ts'

const EventPage = Type.Object(
  {
    items: Type.Array(RunEvent, { maxItems: 1000 }),
    next: Type.Union([Type.Integer(), Type.Null()], {
      description: '`after` of the next page; null when the run has ended and all is told.',
    }),
  },
  { additionalProperties: false, title: 'EventPage' },
)
const pageMax = 500
const heartbeatMs = 15_000

export interface EventRoutesOptions {
  readonly runs: Runs
  readonly news: RunNews
  readonly metrics: Pick<EngineMetrics, 'eventVisible'>
  readonly streamsMax: number
}

export function eventRoutes(app: App, { runs, news, metrics, streamsMax }: EventRoutesOptions): void {
  let streams = 0
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())

  app.get(
    '/v1/runs/:id/events',
    {
      schema: {
        operationId: 'listEvents',
        tags: ['runs'],
        summary: 'What happened in a run',
        description:
          'A page; or with `Accept: text/event-stream` everything from the start, or from after `Last-Event-ID`, until the run has ended.',
        params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
        querystring: Type.Object({
          after: Type.Integer({ minimum: 0, default: 0, description: 'Id of the last event that is known.' }),
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 200 }),
        }),
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.Integer({ minimum: 0 })) }),
        response: { 200: EventPage, default: Problem },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await findRun(runs, id)
      const { after, limit } = request.query
      if (!(request.headers.accept ?? '').includes('text/event-stream')) {
        const rows = await runs.events(id, after, limit)
        const ended = rows.length < limit && (await findRun(runs, id)).ended_at !== null
        return { items: rows.map(eventView), next: ended ? null : (rows.at(-1)?.id ?? after) }
      }
      if (streams >= streamsMax)
        throw new MeshError('MESHWORK_EVENTS_TOO_MANY', { count: streams }, { retryAfterSeconds: 5 })
      streams++
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      try {
        await stream(
          reply,
          id,
          request.headers['last-event-id'] ?? after,
          AbortSignal.any([gone.signal, closing.signal]),
        )
      } finally {
        streams--
      }
      return reply
    },
  )

  async function stream(reply: FastifyReply, id: string, after: number, signal: AbortSignal): Promise<void> {
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    raw.write(': events\n\n')
    const heartbeat = setInterval(() => raw.write(': alive\n\n'), heartbeatMs)
    try {
      let last = after
      // What was there before the reader came is not late.
      let follows = false
      while (!signal.aborted) {
        const ended = (await runs.get(id))?.ended_at != null
        const rows = await runs.events(id, last, pageMax)
        for (const row of rows) {
          const event = eventView(row)
          last = event.id
          if (follows) metrics.eventVisible.observe(row.age_seconds)
          const room = raw.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
          if (!room) await drained(raw, signal)
        }
        if (rows.length === pageMax) continue
        if (ended) break
        follows = true
        await news.wait(id, signal)
      }
    } finally {
      clearInterval(heartbeat)
      raw.end()
    }
  }
}

async function drained(raw: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const done = () => {
      raw.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    raw.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
