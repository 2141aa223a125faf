import {
  canonicalJson,
  headers as names,
  type JsonValue,
  idempotencyKeyMaxLength,
  MeshError,
  Problem,
  StageInfo,
  StagePlan,
  type StageResult,
  timeoutMsMax,
} from '@meshwork/contracts'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { type Call, type Calls, sha256 } from '../execute/calls.ts'
import type { Plans } from '../execute/plans.ts'
import { contractFindings } from '../plan/plan-stage.ts'
import type { Stage } from '../stage/define.ts'
import { type EarlierMajor, earlierPointer, sunsetHeaders } from '../stage/earlier-major.ts'
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
  const { stage, info, readiness } = options
  const retryAfterSeconds = 1
  const ready = async () => {
    if (readiness.phase === 'ready') return
    const params = { service: stage.name, state: readiness.phase, seconds: retryAfterSeconds }
    throw new MeshError('MESHWORK_NOT_READY', params, { retryAfterSeconds })
  }
  return async app => {
    const newest = { major: stage.major, input: stage.input, output: stage.output, earlier: undefined }
    const older = (stage.earlier ?? []).map(one => ({
      major: one.major,
      input: one.input,
      output: one.output,
      earlier: one,
    }))
    for (const contract of [newest, ...older]) contractRoutes(app, options, contract, ready)
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

interface ServedContract {
  readonly major: number
  readonly input: TSchema
  readonly output: TSchema
  /** undefined for the newest. */
  readonly earlier: EarlierMajor | undefined
}

function contractRoutes(
  app: FastifyInstance,
  { stage, calls, plans }: StageRoutesOptions,
  { major, input, output, earlier }: ServedContract,
  ready: () => Promise<void>,
): void {
  const path = `/v${major}/${stage.name}`
  const id = earlier ? `${stage.name}V${major}` : stage.name
  const served = earlier && sunsetHeaders(earlier)
  const ending = earlier && { deprecated: true, 'x-sunset': earlier.sunset }
  app.post(
    path,
    {
      preHandler: ready,
      schema: {
        operationId: id,
        tags: ['stage'],
        summary: stage.summary,
        description:
          'With `Accept: text/event-stream` the answer is a stream of `progress` events and one `result` or `problem`. Where JSON is accepted, too, a result that comes before any event is answered as JSON.',
        headers: callHeaders,
        body: input,
        response: { 200: output, default: Problem },
        ...ending,
      },
    },
    async (request, reply) => {
      const call = readCall(request)
      const newest = earlier ? { ...call, body: earlier.toNewest(call.body) } : call
      const translate = (result: StageResult) => (earlier ? translated(result, call, earlier) : result)
      const gone = untilGone(reply)
      if (served) void reply.headers(served)
      if (wantsEvents(request))
        return await streamCall(calls, newest, gone, request, reply, { stage, translate, headers: served ?? {} })
      const result = translate(await calls.call(newest, { signal: gone, onProgress: () => {} }))
      return await reply.headers(resultHeaders(result)).send(result.output)
    },
  )
  app.post(
    `${path}/plan`,
    {
      preHandler: ready,
      schema: {
        operationId: `${id}Plan`,
        tags: ['stage'],
        summary: 'What the stage would produce, without reading data',
        description:
          'The body is that of the call, in which a DatasetPlan may stand for a dataset, an ArtefactPlan for a file and an UnknownValue for any other value that is known only when the workflow runs. Everything that is wrong is told at once.',
        body: Type.Object({}, { additionalProperties: true }),
        response: { 200: StagePlan, default: Problem },
        ...ending,
      },
    },
    async (request, reply) => {
      const gone = untilGone(reply)
      if (served) void reply.headers(served)
      if (!earlier) return await plans.plan(request.body, gone, readTimeout(request))
      const faults = contractFindings(input, request.body)
      if (faults.length > 0) return { datasets: {}, findings: faults }
      const plan = await plans.plan(earlier.toNewest(request.body), gone, readTimeout(request))
      const findings = plan.findings.map(one => ({ ...one, pointer: earlierPointer(earlier, one.pointer) }))
      return { ...plan, findings }
    },
  )
}

/** The result as the earlier contract has it, with the hashes of its own bodies. */
function translated(result: StageResult, call: Call, earlier: EarlierMajor): StageResult {
  const output = earlier.fromNewest(result.output) as JsonValue
  return { ...result, output, inputHash: sha256(canonicalJson(call.body)), outputHash: sha256(canonicalJson(output)) }
}

async function streamCall(
  calls: Calls,
  call: Call,
  signal: AbortSignal,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    stage,
    translate,
    headers,
  }: { stage: Stage; translate: (result: StageResult) => StageResult; headers: Record<string, string> },
): Promise<FastifyReply> {
  const own = { ...headers, [names.requestId]: request.id, [names.stageVersion]: stage.version }
  const stream = new EventStream(reply, own)
  try {
    const result = translate(await calls.call(call, { signal, onProgress: progress => stream.progress(progress) }))
    // Most steps are done before there is anything to stream: one plain answer is half the work for both sides.
    if (takesJson(request) && stream.silent && stream.giveUp())
      return await reply.headers({ ...headers, ...resultHeaders(result) }).send(result.output)
    stream.result(result)
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

const takesJson = (request: FastifyRequest): boolean => (request.headers.accept ?? '').includes('application/json')

const resultHeaders = (result: StageResult) => ({
  [names.stageVersion]: result.version,
  [names.inputHash]: result.inputHash,
  [names.outputHash]: result.outputHash,
})
