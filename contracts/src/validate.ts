import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ProblemItem } from './problem.ts'

export interface Contract {
  /** The faults of a value, at most 100; none when it fits. */
  check(value: unknown): ProblemItem[]
}

const compiled = new WeakMap<TSchema, Contract>()

/** A schema ready to check values; compiled once for each schema object. */
export function compile(schema: TSchema): Contract {
  const known = compiled.get(schema)
  if (known) return known
  const validator = Compile(schema)
  const contract: Contract = {
    check: value =>
      validator.Check(value)
        ? []
        : validator.Errors(value).map(({ instancePath, message }) => ({ pointer: instancePath, detail: message })),
  }
  compiled.set(schema, contract)
  return contract
}
