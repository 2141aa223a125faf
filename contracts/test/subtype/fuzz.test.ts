// A validator judges the checker: values of the producer are put before the consumer. FUZZ_PAIRS says how many pairs
// (1,000 by default), FUZZ_SEED repeats a run.

import { randomInt } from 'node:crypto'
import t from 'tap'
import type { Kind } from './fuzz/schemas.ts'
import { type Options, search } from './fuzz/search.ts'

const pairs = Number(process.env.FUZZ_PAIRS ?? 1000)
const fresh = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))
const fixed = 20_261_123
const seeds = process.env.FUZZ_SEED === undefined ? [fixed, fresh] : [fresh]
/** Shares of fewer pairs of a seed that nobody has tried say little. */
const pairsToJudge = 500

const plain: Kind = { wide: false, allOf: true, defaults: false }
const modes: [title: string, kind: Kind, options: Options, share: number][] = [
  ['keywords of contracts', plain, {}, 0.5],
  ['also keywords that contracts seldom use', { ...plain, wide: true }, {}, 0.2],
  [
    'of a producer whose objects are cut to what they declare',
    { ...plain, allOf: false },
    { closedProducer: true },
    0.1,
  ],
  ['of a consumer whose extra keys are taken away', { ...plain, wide: true }, { stripExtra: true }, 0.1],
  ['of a consumer with defaults', { ...plain, wide: true, defaults: true }, { defaults: true }, 0.1],
  [
    'of all three at once',
    { wide: false, allOf: false, defaults: true },
    { closedProducer: true, stripExtra: true, defaults: true },
    0.1,
  ],
]

for (const seed of seeds)
  for (const [title, kind, options, share] of modes)
    t.test(`no pair passes that a value refutes, and no witness is false: ${title} (seed ${seed})`, async t => {
      const tally = search(kind, options, Math.ceil((pairs * share) / seeds.length), seed)
      t.comment(JSON.stringify(tally))
      if (seed !== fixed && tally.pairs < pairsToJudge) return
      t.ok(tally.yes > tally.pairs / 5, 'many pairs are proved')
      t.ok(tally.unknown < tally.pairs * (kind.wide ? 0.5 : 0.25), 'few are left open')
      t.ok(tally.unshown <= tally.no * 0.1 + 3, 'what is refuted can be shown')
    })
