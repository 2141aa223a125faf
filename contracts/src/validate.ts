import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { explain } from './explain.ts'
import type { ProblemItem } from './problem.ts'

export interface Contract {
  /** The faults of a value, at most 100; none when it fits. */
  check(value: unknown): ProblemItem[]
  fits(value: unknown): boolean
}

const compiled = new WeakMap<object, Contract>()

/** A schema ready to check values; compiled once for each schema object. Plain JSON Schema is taken as well. */
export function compile(schema: TSchema | object): Contract {
  const known = compiled.get(schema)
  if (known) return known
  const validator = Compile(schema)
  const contract: Contract = {
    fits: value => validator.Check(value),
    check: value => {
      if (validator.Check(value)) return []
      const told = explain(schema, value)
      if (told.length > 0) return told
      return validator.Errors(value).map(({ instancePath, message }) => ({ pointer: instancePath, detail: message }))
    },
  }
  compiled.set(schema, contract)
  return contract
}

/** Faults as one sentence without a full stop, for a log or the detail of a problem, the first few of them. */
export function sentence(items: readonly ProblemItem[], limit = 5): string {
  const shown = items.slice(0, limit).map(({ pointer, detail }) => {
    const text = detail.replace(/\.$/, '')
    return pointer ? `${pointer} ${text}` : text
  })
  const more = items.length - shown.length
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}
