// Plants each bug and looks whether the checks find it.

import { bugs } from './plant/bugs.ts'
import { runChaos } from './run-chaos.ts'

const seconds = 12
const quietSeconds = 20
const triesMax = 3

/** Answers whether every bug was caught. A bug that shows by chance has three seeds to show. */
export async function proveTeeth(
  seed: number,
  names: readonly string[] = Object.keys(bugs),
  say: (line: string) => void,
): Promise<boolean> {
  const missed: string[] = []
  for (const name of names) {
    const found = await caught(name, seed)
    if (found === undefined) missed.push(name)
    say(`${name}: ${found ?? 'NOT CAUGHT'}`)
  }
  say(`${names.length - missed.length} of ${names.length} planted bugs caught`)
  return missed.length === 0
}

async function caught(name: string, seed: number): Promise<string | undefined> {
  const bug = bugs[name]
  if (!bug) throw new Error(`no bug has the name ${name}; there are: ${Object.keys(bugs).join(', ')}`)
  for (let i = 0; i < triesMax; i++) {
    const { faults } = bug
    const { violations, runs } = await runChaos({
      seed: seed + i,
      seconds,
      quietSeconds,
      faults,
      plants: [name],
      say: () => {},
    })
    const own = violations.filter(({ promise }) => bug.breaks.includes(promise))
    const [first] = own
    if (first) return `caught, ${own.length} violations in ${runs} runs: ${first.promise}: ${first.detail}`
  }
  return undefined
}
