// What must be true before a change lands: types, lint and format, generated files, tests. Says what failed, and ends
// with the closing line of the tests.

import { spawnSync } from 'node:child_process'

const checks: readonly (readonly [name: string, file: string, ...args: string[]])[] = [
  ['types', 'scripts/types.ts'],
  ['lint and format', 'scripts/lint.ts'],
  ['generated files', 'scripts/generate.ts', '--check'],
  ['contracts', 'scripts/contracts.ts'],
  ['tests', 'scripts/test.ts'],
]
const failed: string[] = []
for (const [name, file, ...args] of checks) {
  const started = performance.now()
  const { status } = spawnSync(process.execPath, [file, ...args], { stdio: 'inherit' })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (status !== 0) failed.push(name)
  console.error(`verify: ${name} ${status === 0 ? 'ok' : 'FAILED'} after ${seconds} s`)
}
if (failed.length > 0) console.error(`verify: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
