// Checks any address against stage protocol v1, whatever language serves it.

import { compile, Problem, StageInfo, StagePlan, StageResult } from '@meshwork/contracts'
import { request } from 'undici'

export interface Check {
  readonly what: string
  /** Undefined when it holds. */
  readonly fault: string | undefined
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

const timeoutMs = 10_000

/** `body` is a request that the stage can do; without it only what needs no data is checked. */
export async function checkConformance(url: string, body?: unknown): Promise<Check[]> {
  const checks: Check[] = []
  const note = async (what: string, look: () => Promise<string | undefined>) => {
    const fault = await look().catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    checks.push({ what, fault })
    return fault === undefined
  }
  const ask = async (
    method: 'GET' | 'POST',
    path: string,
    payload?: string,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await request(`${url}${path}`, {
      method,
      headers,
      body: payload ?? null,
      signal: AbortSignal.timeout(timeoutMs),
    })
    return {
      status: answer.statusCode,
      type: String(answer.headers['content-type'] ?? ''),
      text: await answer.body.text(),
    }
  }
  const post = (path: string, payload: string, headers = {}) =>
    ask('POST', path, payload, { 'content-type': 'application/json', ...headers })

  let info: StageInfo | undefined
  await note('GET /v1/stage describes the stage', async () => {
    const answer = await ask('GET', '/v1/stage')
    if (answer.status !== 200) return `status ${answer.status}`
    const value = json(answer.text)
    const [fault] = compile(StageInfo).check(value)
    if (fault) return `${fault.pointer} ${fault.detail}`
    info = value as StageInfo
    return undefined
  })
  if (!info) return checks
  const [contract] = info.contracts
  const path = contract?.path ?? `/v1/${info.name}`

  await note(`its path is /v<major>/<name>`, async () =>
    path === `/v${contract?.major}/${info?.name}` ? undefined : `it is ${path}`,
  )
  await note('GET /openapi.json is OpenAPI 3.1 and has the path', async () => {
    const document = json((await ask('GET', '/openapi.json')).text) as
      | { openapi?: string; paths?: Record<string, { post?: object }> }
      | undefined
    if (!document?.openapi?.startsWith('3.1')) return `openapi is ${document?.openapi}`
    return document.paths?.[path]?.post ? undefined : `POST ${path} is not in it`
  })
  for (const probe of ['/healthz', '/readyz'])
    await note(`GET ${probe} answers 200`, async () => expectStatus(await ask('GET', probe), 200))
  await note('GET /metrics is Prometheus text', async () => {
    const answer = await ask('GET', '/metrics')
    return expectStatus(answer, 200) ?? (/^# (HELP|TYPE) /m.test(answer.text) ? undefined : 'no # HELP or # TYPE line')
  })
  for (const [what, payload, headers, statuses] of [
    ['a body that is not JSON is a problem', '{"a":', {}, [400]],
    ['a body that does not fit is a problem', '{"no such key":1}', {}, [400, 422]],
    ['another media type is a problem', 'a,b', { 'content-type': 'text/csv' }, [400, 415, 422]],
  ] as const)
    await note(what, async () => expectProblem(await post(path, payload, headers), statuses))
  await note('an unknown route is a problem', async () => expectProblem(await ask('GET', '/v1/no-such-route'), [404]))
  if (info.capabilities.plan)
    await note('a plan of a body that does not fit tells what is wrong, with status 200', async () => {
      const { fault, plan } = planOf(await post(`${path}/plan`, '{"no such key":1}'))
      return fault ?? (plan && errorsOf(plan).length > 0 ? undefined : 'it has no finding that is an error')
    })
  if (body === undefined) return checks

  const payload = JSON.stringify(body)
  await note('the work is done and fits the output schema', async () => {
    const answer = await post(path, payload)
    const wrong = expectStatus(answer, 200)
    if (wrong !== undefined) return `${wrong}: ${answer.text.slice(0, 300)}`
    const [fault] = compile(contract?.output ?? {}).check(json(answer.text))
    return fault && `${fault.pointer} ${fault.detail}`
  })
  await note('Accept: text/event-stream is answered with events or JSON', async () => {
    const answer = await post(path, payload, { accept: 'text/event-stream' })
    if (!answer.type.startsWith('text/event-stream')) return expectStatus(answer, 200)
    const data = /^event: result\ndata: (.*)$/m.exec(answer.text)?.[1]
    if (data === undefined) return 'the stream has no result event'
    const [fault] = compile(StageResult).check(json(data))
    return fault && `result${fault.pointer} ${fault.detail}`
  })
  if (info.capabilities.plan)
    await note('what is done is planned without an error', async () => {
      const { fault, plan } = planOf(await post(`${path}/plan`, payload))
      const [error] = plan ? errorsOf(plan) : []
      return fault ?? (error && `${error.pointer} ${error.detail}`)
    })
  if (info.capabilities.idempotency) {
    const key = `conformance-${Date.now()}`
    await note('the same Idempotency-Key gets the same answer', async () => {
      const [first, second] = [
        await post(path, payload, { 'idempotency-key': key }),
        await post(path, payload, { 'idempotency-key': key }),
      ]
      return first.status === 200 && first.text === second.text
        ? undefined
        : `answers differ (${first.status}, ${second.status})`
    })
    await note('the same Idempotency-Key with another body is refused', async () =>
      expectProblem(
        await post(path, JSON.stringify({ ...(body as object), 'no such key': 1 }), { 'idempotency-key': key }),
        [400, 422],
      ),
    )
  }
  return checks
}

const expectStatus = (answer: Answer, status: number): string | undefined =>
  answer.status === status ? undefined : `status ${answer.status} instead of ${status}`

function planOf(answer: Answer): { fault: string | undefined; plan?: StagePlan } {
  const wrong = expectStatus(answer, 200)
  if (wrong !== undefined) return { fault: `${wrong}: ${answer.text.slice(0, 300)}` }
  const plan = json(answer.text)
  const [fault] = compile(StagePlan).check(plan)
  return fault ? { fault: `${fault.pointer} ${fault.detail}` } : { fault: undefined, plan: plan as StagePlan }
}

const errorsOf = ({ findings }: StagePlan) => findings.filter(({ severity }) => severity === 'error')

function expectProblem(answer: Answer, statuses: readonly number[]): string | undefined {
  if (!statuses.includes(answer.status)) return `status ${answer.status} instead of ${statuses.join(' or ')}`
  if (!answer.type.startsWith('application/problem+json'))
    return `content-type ${answer.type || 'is missing'} instead of application/problem+json`
  const [fault] = compile(Problem).check(json(answer.text))
  return fault && `${fault.pointer} ${fault.detail}`
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
