// All tests, or those of the files given. The last line says how many assertions passed and failed.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'

const results = '.tap/results.tap'
mkdirSync('.tap', { recursive: true })
rmSync(results, { force: true })
const { status } = spawnSync('node_modules/.bin/tap', ['run', `--output-file=${results}`, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
let totals = ''
try {
  totals = /^# \{ (.*) \}$/m.exec(readFileSync(results, 'utf8'))?.[1] ?? ''
} catch {
  // no results: told by the counts and the exit code
}
const count = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
const passed = count('pass')
const failed = count('fail')
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = status !== 0 ? (status ?? 1) : passed === 0 ? 1 : 0
