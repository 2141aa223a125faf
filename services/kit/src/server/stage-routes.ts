import {
  headers as names,
  idempotencyKeyMaxLength,
  MeshError,
  Problem,
  StageInfo,
  StagePlan,
  type StageResult,
  timeoutMsMax,
} from '@meshwork/contracts'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Call, Calls } from '../execute/calls.ts'
import type { Plans } from '../execute/plans.ts'
import type { Stage } from '../stage/define.ts'
import { EventStream } from './event-stream.ts'
import type { Readiness } from './health.ts'
import { toProblemError } from './problem-handler.ts'

export interface StageRoutesOptions {
  readonly stage: Stage
  readonly calls: Calls
  readonly plans: Plans
  readonly info: StageInfo
  readonly readiness: Readiness
}

const callHeaders = Type.Object({
  [names.idempotencyKey]: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: idempotencyKeyMaxLength,
      description: 'Names this piece of work; the same over all attempts.',
    }),
  ),
  [names.timeout]: Type.Optional(Type.String({ description: 'Milliseconds left for the work.' })),
  [names.runId]: Type.Optional(Type.String({ maxLength: 64 })),
  [names.step]: Type.Optional(Type.String({ maxLength: 64 })),
  [names.attempt]: Type.Optional(Type.String({ maxLength: 8 })),
  [names.traceparent]: Type.Optional(Type.String({ maxLength: 128 })),
})

export function stageRoutes(options: StageRoutesOptions): FastifyPluginAsync {
  const { stage, calls, plans, info, readiness } = options
  const retryAfterSeconds = 1
  const ready = async () => {
    if (readiness.phase === 'ready') return
    const params = { service: stage.name, state: readiness.phase, seconds: retryAfterSeconds }
    throw new MeshError('MESHWORK_NOT_READY', params, { retryAfterSeconds })
  }
  return async app => {
    app.post(
      stage.path,
      {
        preHandler: ready,
        schema: {
          operationId: stage.name,
          tags: ['stage'],
          summary: stage.summary,
          description:
            'With `Accept: text/event-stream` the answer is a stream of `progress` events and one `result` or `problem`.',
          headers: callHeaders,
          body: stage.input,
          response: { 200: stage.output, default: Problem },
        },
      },
      async (request, reply) => {
        const call = readCall(request)
        const gone = untilGone(reply)
        if (wantsEvents(request)) return await streamCall(calls, call, gone, request, reply, stage)
        const result = await calls.call(call, { signal: gone, onProgress: () => {} })
        return await reply.headers(resultHeaders(result)).send(result.output)
      },
    )
    app.post(
      `${stage.path}/plan`,
      {
        preHandler: ready,
        schema: {
          operationId: `${stage.name}Plan`,
          tags: ['stage'],
          summary: 'What the stage would produce, without reading data',
          description:
            'The body is that of the call, in which a DatasetPlan may stand for a dataset, an ArtefactPlan for a file and an UnknownValue for any other value that is known only when the workflow runs. Everything that is wrong is told at once.',
          body: Type.Object({}, { additionalProperties: true }),
          response: { 200: StagePlan, default: Problem },
        },
      },
      async (request, reply) => (await plans.plan(request.body, untilGone(reply), readTimeout(request))) as StagePlan,
    )
    app.get(
      '/v1/stage',
      {
        schema: {
          operationId: 'stage',
          tags: ['stage'],
          summary: 'What this stage is',
          response: { 200: StageInfo, default: Problem },
        },
      },
      async () => info,
    )
  }
}

async function streamCall(
  calls: Calls,
  call: Call,
  signal: AbortSignal,
  request: FastifyRequest,
  reply: FastifyReply,
  stage: Stage,
): Promise<FastifyReply> {
  const stream = new EventStream(reply, { [names.requestId]: request.id, [names.stageVersion]: stage.version })
  try {
    stream.result(await calls.call(call, { signal, onProgress: progress => stream.progress(progress) }))
  } catch (error) {
    const known = toProblemError(error, request)
    // Retry-After is a header: a refusal with a time to come back is a plain problem as long as that is possible.
    if (known.retryAfterSeconds !== undefined && stream.giveUp()) throw error
    if (known.code === 'MESHWORK_INTERNAL') request.log.error({ err: error, requestId: request.id }, 'request failed')
    stream.problem(known.toProblem({ instance: request.url, requestId: request.id }))
  }
  return reply
}

/** Aborted when the caller leaves before it has its answer. */
function untilGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  return gone.signal
}

function readTimeout(request: FastifyRequest): number | undefined {
  const timeout = request.headers[names.timeout] as string | undefined
  if (timeout === undefined) return undefined
  const timeoutMs = Number(timeout)
  if (!(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= timeoutMsMax))
    throw new MeshError('MESHWORK_STAGE_TIMEOUT_INVALID', { value: timeout, max: timeoutMsMax })
  return timeoutMs
}

function readCall(request: FastifyRequest): Call {
  const text = (name: string) => request.headers[name] as string | undefined
  const timeoutMs = readTimeout(request)
  const runId = text(names.runId)
  const run =
    runId === undefined
      ? undefined
      : { runId, step: text(names.step) ?? '', attempt: Number(text(names.attempt) ?? 1) || 1 }
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(text(names.traceparent) ?? '')?.[1]
  return { body: request.body, key: text(names.idempotencyKey), timeoutMs, run, traceId }
}

const wantsEvents = (request: FastifyRequest): boolean => (request.headers.accept ?? '').includes('text/event-stream')

const resultHeaders = (result: StageResult) => ({
  [names.stageVersion]: result.version,
  [names.inputHash]: result.inputHash,
  [names.outputHash]: result.outputHash,
})
