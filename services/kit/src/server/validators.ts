// One engine for both directions: requests and answers are checked by the validator that TypeBox compiles from the
// contract. Bodies are taken as they are; only path, query and header values are converted from text.

import { compile, type ProblemItem } from '@meshwork/contracts'
import type { FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import { Convert, Default } from 'typebox/value'

/** A request that does not fit; becomes MESHWORK_REQUEST_INVALID. */
export class RequestFault extends Error {
  override readonly name = 'RequestFault'
  readonly part: string
  readonly items: readonly ProblemItem[]

  constructor(part: string, items: readonly ProblemItem[]) {
    super(`${part} does not fit its contract`)
    this.part = part
    this.items = items
  }
}

/** An answer that breaks the service's own contract: a fault of the service. */
export class AnswerFault extends Error {
  override readonly name = 'AnswerFault'
}

export function useValidators(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const contract = compile(schema)
    return (data: unknown) => {
      const value =
        httpPart === 'body' ? data : Convert(schema as TSchema, Default(schema as TSchema, { ...(data as object) }))
      const items = contract.check(value)
      return items.length === 0 ? { value } : { error: new RequestFault(httpPart ?? 'body', items) }
    }
  })
  app.setSerializerCompiler(({ schema, url, httpStatus }) => {
    const contract = compile(schema)
    return (data: unknown) => {
      const text = JSON.stringify(data)
      const plain: unknown = JSON.parse(text) // as the reader will see it: undefined dropped, dates as text
      const [fault] = contract.check(plain)
      if (fault) throw new AnswerFault(`${url} ${httpStatus}: ${fault.pointer} ${fault.detail}`)
      return text
    }
  })
}
