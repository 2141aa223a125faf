// Looks for a value that refutes the checker.

import assert from 'node:assert/strict'
import { type SubtypeOptions, subtype } from '@meshwork/contracts'
import fc from 'fast-check'
import { closed, Judge } from './judge.ts'
import { Random } from './random.ts'
import { type Kind, pairs, type Schema } from './schemas.ts'
import { valueOf } from './values.ts'

export interface Tally {
  pairs: number
  yes: number
  no: number
  unknown: number
  /** Values of the producer that were put before the consumer. */
  values: number
  witnesses: number
  /** Refuted, and no value was found that shows it. */
  unshown: number
}

export type Options = Pick<SubtypeOptions, 'closedProducer' | 'stripExtra' | 'defaults'>

const valuesPerPair = { yes: 200, no: 60, unknown: 20 }
/** A validator keeps what it compiled for as long as it lives. */
const pairsPerJudge = 200

/** Throws, with the smallest pair it can find, when a "yes" or a witness is wrong. */
export function search(kind: Kind, options: Options, numRuns: number, seed: number): Tally {
  const tally: Tally = { pairs: 0, yes: 0, no: 0, unknown: 0, values: 0, witnesses: 0, unshown: 0 }
  let judge = new Judge()
  const property = fc.property(pairs(kind), fc.integer(), ([producer, consumer], values) => {
    if (tally.pairs % pairsPerJudge === 0) judge = new Judge()
    check(producer, consumer, options, judge, new Random(values), tally)
  })
  fc.assert(property, { numRuns, seed, endOnFailure: false })
  return tally
}

function check(producer: Schema, consumer: Schema, options: Options, judge: Judge, random: Random, tally: Tally): void {
  const given = options.closedProducer ? closed(producer) : producer
  // What is cut must still fit as it was written: in a oneOf, a branch that is cut no longer fits beside another.
  const gives = (value: unknown): boolean => judge.accepts(given, value) && judge.accepts(producer, value)
  const refuses = (value: unknown): boolean => !judge.accepts(consumer, judge.treated(consumer, value, options))
  const verdict = subtype(producer, consumer, options)
  tally.pairs++
  tally[verdict.kind]++
  if (verdict.kind === 'no' && verdict.witness !== undefined) {
    tally.witnesses++
    assert.ok(gives(verdict.witness), `the producer refuses the witness ${JSON.stringify(verdict)}`)
    assert.ok(refuses(verdict.witness), `the consumer accepts the witness ${JSON.stringify(verdict)}`)
  }
  let refuted = verdict.kind === 'no' && verdict.witness !== undefined
  for (let i = 0; i < valuesPerPair[verdict.kind] && !refuted; i++) {
    const value = valueOf(given, given, random)
    if (!gives(value)) continue
    tally.values++
    if (!refuses(value)) continue
    assert.notEqual(verdict.kind, 'yes', `false pass: ${JSON.stringify(value)}`)
    refuted = true
  }
  if (verdict.kind === 'no' && !refuted) tally.unshown++
}
