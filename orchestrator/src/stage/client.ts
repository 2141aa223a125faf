// One attempt of a step over HTTP. Never throws: everything that can happen to a call is an Answer.

import { hash } from 'node:crypto'
import {
  canonicalJson,
  compile,
  headers as names,
  MeshError,
  Problem,
  ProblemError,
  Progress,
  type JsonValue,
  sentence,
  type StageResult,
} from '@meshwork/contracts'
import { Agent, type Dispatcher, request } from 'undici'
import { isStorableJson } from '../store/storable.ts'
import { withoutExtra } from '../typing/without-extra.ts'
import type { Answer } from './answer.ts'
import type { Deployment } from './deployment.ts'
import { EventReader, AnswerTooLarge } from './event-reader.ts'

export interface StageCall {
  readonly deployment: Deployment
  readonly major: number
  readonly step: string
  readonly runId: string
  readonly attempt: number
  readonly idempotencyKey: string
  readonly body: JsonValue
  readonly timeoutMs: number
  readonly traceparent: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

const answerBytesMax = 4 * 1024 * 1024
const connectTimeoutMs = 2000
/** Stages write a line at least every 15 s, so one that is silent for a minute is gone. */
const silenceMs = 60_000
const deadlineGraceMs = 1000
const restartFirstMs = 1000
const restartLastMs = 32_000

/**
 * Milliseconds to wait for a stage that could not be reached, since it may be starting again. They double with each
 * attempt, without jitter down to nothing: five attempts outlast an outage of fifteen seconds.
 */
export const restartMs = (attempt: number): number => Math.min(restartLastMs, restartFirstMs * 2 ** (attempt - 1))

export class StageClient {
  readonly #agent = new Agent({
    connect: { timeout: connectTimeoutMs },
    headersTimeout: 0, // the call has its own deadline; a plain JSON stage answers only when it has finished
    bodyTimeout: silenceMs,
    keepAliveTimeout: 30_000,
    connections: 256,
    pipelining: 1,
  })

  async call(call: StageCall): Promise<Answer> {
    // A timer and a listener that end with the call: AbortSignal.timeout would stay for the hour a step may take.
    const ending = new AbortController()
    const end = () => ending.abort()
    let late = false
    const timer = setTimeout(() => {
      late = true
      end()
    }, call.timeoutMs + deadlineGraceMs)
    call.signal.addEventListener('abort', end, { once: true })
    if (call.signal.aborted) end()
    try {
      return await this.#send(call, ending.signal)
    } catch (error) {
      if (call.signal.aborted) return { kind: 'aborted' }
      if (error instanceof AnswerTooLarge) return garbage(call, error.message)
      return late
        ? failed(timedOut(call))
        : { ...failed(unreachable(call, error)), retryAfterMs: restartMs(call.attempt) }
    } finally {
      clearTimeout(timer)
      call.signal.removeEventListener('abort', end)
    }
  }

  /** A small JSON document of a stage, as for its description. */
  async get(url: string, signal: AbortSignal): Promise<unknown> {
    const response = await request(url, { dispatcher: this.#agent, signal })
    const text = await readText(response, answerBytesMax)
    if (response.statusCode !== 200) throw new Error(`GET ${url} answered ${response.statusCode}`)
    return JSON.parse(text) as unknown
  }

  /** The JSON answer of a small request. Throws the problem that was answered instead. */
  async post(url: string, body: string, signal: AbortSignal): Promise<unknown> {
    const response = await request(url, {
      dispatcher: this.#agent,
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body,
    })
    const value = parse(await readText(response, answerBytesMax))
    if (response.statusCode === 200) return value
    if (compile(Problem).fits(value)) throw ProblemError.fromProblem(value as Problem)
    throw new Error(`POST ${url} answered ${response.statusCode}`)
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #send(call: StageCall, signal: AbortSignal): Promise<Answer> {
    const { deployment } = call
    const response = await request(`${deployment.url}/v${call.major}/${deployment.stage}`, {
      dispatcher: this.#agent,
      method: 'POST',
      signal,
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream, application/json',
        [names.idempotencyKey]: call.idempotencyKey,
        [names.timeout]: String(call.timeoutMs),
        [names.runId]: call.runId,
        [names.step]: call.step,
        [names.attempt]: String(call.attempt),
        [names.traceparent]: call.traceparent,
      },
      body: JSON.stringify(call.body),
    })
    const type = String(response.headers['content-type'] ?? '')
    if (response.statusCode === 200 && type.startsWith('text/event-stream')) return await readEvents(call, response)
    const text = await readText(response, answerBytesMax)
    if (response.statusCode === 200)
      return readResult(call, parse(text), String(response.headers[names.stageVersion] ?? deployment.version))
    return readProblem(call, response.statusCode, type, text, retryAfterMs(response.headers['retry-after']))
  }
}

async function readEvents(call: StageCall, response: Dispatcher.ResponseData): Promise<Answer> {
  const reader = new EventReader(answerBytesMax)
  const decoder = new TextDecoder()
  // What ends the stream comes after its last event. To leave the body there would end the connection with it.
  const chunks: AsyncIterable<Buffer> = response.body.iterator({ destroyOnReturn: false })
  const leave = () => void response.body.dump({ limit: answerBytesMax }).catch(() => {})
  for await (const chunk of chunks)
    for (const { event, data } of reader.read(decoder.decode(chunk, { stream: true }))) {
      const value = parse(data)
      if (event === 'progress' && compile(Progress).fits(value)) call.onProgress(value as Progress)
      else if (event === 'result') {
        leave()
        const { output, version } = (value ?? {}) as Partial<StageResult>
        return readResult(call, output, version ?? call.deployment.version)
      } else if (event === 'problem') {
        leave()
        return readProblem(call, 500, 'application/problem+json', data, undefined)
      }
    }
  return garbage(call, 'the stream of events ended without a result')
}

function readResult(call: StageCall, output: unknown, version: string): Answer {
  if (output === undefined) return garbage(call, 'it is not JSON')
  const faults = call.deployment.outputs.get(call.major)?.check(output) ?? []
  if (faults.length > 0) return garbage(call, sentence(faults))
  if (!isStorableJson(output))
    return garbage(call, 'it holds a text with U+0000 or half a surrogate pair, which is not stored')
  const contract = call.deployment.contracts.get(call.major)
  const promised = contract ? withoutExtra(output as JsonValue, contract.output) : (output as JsonValue)
  const outputHash = hash('sha256', canonicalJson(promised))
  return { kind: 'result', output: promised, version, outputHash }
}

function readProblem(
  call: StageCall,
  status: number,
  type: string,
  text: string,
  retryAfter: number | undefined,
): Answer {
  const value = parse(text)
  if (type.includes('json') && compile(Problem).fits(value))
    return { kind: 'problem', problem: value as Problem, retryAfterMs: retryAfter }
  const detail = `status ${status} without a problem document`
  const retryable = status === 502 || status === 503 || status === 504 || status === 429
  const { problem } = failed(invalid(call, detail))
  return { kind: 'problem', problem: { ...problem, retryable: retryable || status >= 500 }, retryAfterMs: retryAfter }
}

const garbage = (call: StageCall, problems: string): Answer => failed(invalid(call, problems))

const invalid = (call: StageCall, problems: string): MeshError =>
  new MeshError('MESHWORK_STEP_ANSWER_INVALID', {
    step: call.step,
    stage: call.deployment.stage,
    url: call.deployment.url,
    problems,
  })

const timedOut = (call: StageCall): MeshError =>
  new MeshError('MESHWORK_STEP_TIMEOUT', {
    step: call.step,
    stage: call.deployment.stage,
    url: call.deployment.url,
    timeoutMs: call.timeoutMs,
  })

function unreachable(call: StageCall, error: unknown): MeshError {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = code === undefined ? message : `${code} ${message}`
  return new MeshError('MESHWORK_STAGE_UNREACHABLE', { stage: call.deployment.stage, url: call.deployment.url, reason })
}

const failed = (error: MeshError) => ({ kind: 'problem' as const, problem: error.toProblem(), retryAfterMs: undefined })

async function readText({ headers, body }: Dispatcher.ResponseData, limitBytes: number): Promise<string> {
  if (Number(headers['content-length']) <= limitBytes) return await body.text()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > limitBytes) throw new AnswerTooLarge(`an answer of more than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const seconds = Number(header)
  return header === undefined || !Number.isFinite(seconds) ? undefined : Math.min(seconds, 3600) * 1000
}
