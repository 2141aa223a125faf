// Asks a running mesh. What cannot be asked is told in one line, with the way out.

import { compile, type Diagnostic, type JsonValue, Problem, Validation, WorkflowPlan } from '@meshwork/contracts'
import { request } from 'undici'

export class NotAsked extends Error {}

export type PlanAnswer =
  | { readonly kind: 'planned'; readonly plan: WorkflowPlan }
  | { readonly kind: 'refused'; readonly validation: Validation }

const timeoutMs = 60_000

export class Asker {
  readonly #url: string

  constructor(url: string) {
    this.#url = url.replace(/\/+$/, '')
  }

  async validate(source: string): Promise<Validation> {
    const { value } = await this.#post('/v1/workflows:validate', source, 'application/yaml')
    if (compile(Validation).fits(value)) return value as Validation
    throw this.#strange(value)
  }

  async plan(source: string, params: Record<string, JsonValue>): Promise<PlanAnswer> {
    const body = JSON.stringify({ source, params })
    const { value } = await this.#post('/v1/workflows:plan', body, 'application/json')
    if (compile(WorkflowPlan).fits(value)) return { kind: 'planned', plan: value as WorkflowPlan }
    const validation = refusal(value)
    if (validation) return { kind: 'refused', validation }
    throw this.#strange(value)
  }

  async #post(path: string, body: string, type: string): Promise<{ value: unknown }> {
    try {
      const response = await request(`${this.#url}${path}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await response.body.text()
      return { value: JSON.parse(text) as unknown }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new NotAsked(
        `no mesh answers at ${this.#url} (${code ?? message}); start one with npm start, name it with --url, or check without columns with --offline`,
      )
    }
  }

  #strange(value: unknown): NotAsked {
    const detail = compile(Problem).fits(value) ? (value as Problem).detail : JSON.stringify(value)?.slice(0, 200)
    return new NotAsked(`${this.#url} answered: ${detail}`)
  }
}

/** A problem with places is a validation that failed. */
function refusal(value: unknown): Validation | undefined {
  if (!compile(Problem).fits(value)) return undefined
  const { errors } = value as Problem
  const placed = (errors ?? []).filter(item => item.line !== undefined)
  if (placed.length === 0) return undefined
  const diagnostics = placed.map(
    ({ pointer, detail, code = 'error', line = 1, column = 1 }): Diagnostic => ({
      severity: 'error',
      code,
      message: detail.replace(/^line \d+, column \d+: /, ''),
      pointer,
      line,
      column,
    }),
  )
  return { valid: false, columns: 'not-checked', diagnostics }
}
