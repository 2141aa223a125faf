// npm run chaos [-- --seed N --seconds N --runs N --faults a,b] [-- --teeth [--bugs a,b]]

import { parseArgs } from 'node:util'
import { type FaultName, faults } from './nemesis/faults.ts'
import { report } from './report.ts'
import { runChaos } from './run-chaos.ts'
import { proveTeeth } from './teeth.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string' },
    runs: { type: 'string' },
    faults: { type: 'string' },
    teeth: { type: 'boolean', default: false },
    bugs: { type: 'string' },
  },
})
const seed = Number(values.seed ?? Math.floor(Date.now() % 1_000_000))
const seconds = Number(values.seconds ?? 900)
/** A run that is asked for by its time alone ends at its time. */
const runsMin = Number(values.runs ?? (values.seconds === undefined ? 20_000 : 0))
const chosen = values.faults?.split(',') ?? [...faults.keys()]
const unknown = chosen.filter(name => !faults.has(name as FaultName))
if (!Number.isSafeInteger(seed) || !(seconds > 0) || !(runsMin >= 0) || unknown.length > 0) {
  console.error(`--seed, --seconds and --runs are numbers; faults: ${[...faults.keys()].join(', ')}`)
  process.exit(2)
}
const say = (line: string) => console.error(line)
if (values.teeth) process.exitCode = (await proveTeeth(seed, values.bugs?.split(','), say)) ? 0 : 1
else {
  const result = await runChaos({ seed, seconds, runsMin, faults: chosen as FaultName[], say })
  console.log(report(seed, result))
  process.exitCode = result.violations.length === 0 ? 0 : 1
}
