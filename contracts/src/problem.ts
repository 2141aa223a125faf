// Failures on the wire (RFC 9457) and in code. A MeshError becomes a Problem in one place of each service.

import Type, { type Static } from 'typebox'
import { type ErrorCode, type ErrorRow, errors } from './errors/index.ts'
import { Closed } from './schema.ts'

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Where the code is documented.', examples: ['/errors#MESHWORK_COLUMN_MISSING'] }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What went wrong this time, and the way out.' }),
    instance: Type.Optional(Type.String({ description: 'The request it happened to.' })),
    code: Type.String({ pattern: '^[A-Z][A-Z0-9_]*$', examples: ['MESHWORK_COLUMN_MISSING'] }),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
    requestId: Type.Optional(Type.String()),
    errors: Type.Optional(
      Type.Array(
        Closed({
          pointer: Type.String({ description: 'JSON pointer into the request body.' }),
          detail: Type.String(),
          code: Type.Optional(Type.String({ description: 'Kind of fault, stable.', examples: ['unknown-step'] })),
          line: Type.Optional(Type.Integer({ minimum: 1, description: 'Line in the text that was sent.' })),
          column: Type.Optional(Type.Integer({ minimum: 1 })),
        }),
        { maxItems: 100 },
      ),
    ),
  },
  { title: 'Problem', description: 'RFC 9457 problem details with a stable code.' },
)
export type Problem = Static<typeof Problem>

export type ErrorParams = Readonly<Record<string, string | number | bigint | boolean>>
export interface ProblemItem {
  readonly pointer: string
  readonly detail: string
  readonly code?: string
  readonly line?: number
  readonly column?: number
}

export interface MeshErrorOptions {
  cause?: unknown
  /** Single faults, each with its place in the request. */
  errors?: readonly ProblemItem[]
  /** Seconds after which a retry makes sense. */
  retryAfterSeconds?: number
}

/** A failure that has its wire form. Stages outside the table (yours) throw this with a code of their own. */
export class ProblemError extends Error {
  override readonly name: string = 'ProblemError'
  readonly code: string
  readonly status: number
  readonly retryable: boolean
  readonly title: string
  readonly errors: readonly ProblemItem[] | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(
    row: { code: string; status: number; retryable: boolean; title: string; detail: string },
    options: MeshErrorOptions = {},
  ) {
    super(row.detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = row.code
    this.status = row.status
    this.retryable = row.retryable
    this.title = row.title
    this.errors = options.errors
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  toProblem(extra: { instance?: string; requestId?: string } = {}): Problem {
    return {
      type: `/errors#${this.code}`,
      title: this.title,
      status: this.status,
      detail: this.message,
      code: this.code,
      retryable: this.retryable,
      ...extra,
      ...(this.errors === undefined ? {} : { errors: this.errors.slice(0, 100).map(item => ({ ...item })) }),
    }
  }

  /** The error that another process or service reported. */
  static fromProblem(problem: Problem, options: MeshErrorOptions = {}): ProblemError {
    const items = options.errors ?? problem.errors
    return new ProblemError(problem, { ...options, ...(items === undefined ? {} : { errors: items }) })
  }
}

type Placeholders<T extends string> = T extends `${string}{${infer N}}${infer More}` ? N | Placeholders<More> : never
type ParamsOf<C extends ErrorCode> = Readonly<
  Record<Placeholders<(typeof errors)[C]['message']>, ErrorParams[string]> & ErrorParams
>
type FillArgs<C extends ErrorCode> = [Placeholders<(typeof errors)[C]['message']>] extends [never]
  ? [params?: ErrorParams, options?: MeshErrorOptions]
  : [params: ParamsOf<C>, options?: MeshErrorOptions]

/**
 * An expected failure of the mesh itself: `code` is a key of the error table, the message is its template, filled with
 * `params`. A param that the template names and the call does not is a compile error.
 */
export class MeshError<const C extends ErrorCode = ErrorCode> extends ProblemError {
  override readonly name = 'MeshError'

  constructor(code: C, ...[params = {}, options = {}]: FillArgs<C>) {
    const row: ErrorRow = errors[code]
    super({ code, ...row, detail: fill(row.message, params) }, options)
  }
}

const valueMaxLength = 2000

function fill(template: string, params: ErrorParams): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name]
    return value === undefined ? whole : String(value).slice(0, valueMaxLength)
  })
}
