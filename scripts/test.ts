// All tests, or those of the files given: a line for each file, and everything about those that fail. The whole TAP is
// in .tap/results.tap. The last line says how many assertions passed and failed.

import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

mkdirSync('.tap', { recursive: true })
const results = createWriteStream('.tap/results.tap')
const tap = spawn('node_modules/.bin/tap', ['run', '--reporter=tap', ...process.argv.slice(2)], {
  stdio: ['ignore', 'pipe', 'inherit'],
  // Most of what a test file waits for is services that start: what Node compiles for one is there for the next.
  env: { ...process.env, FORCE_COLOR: '0', NODE_COMPILE_CACHE: join(process.cwd(), 'node_modules/.cache/compiled') },
})
const ended = new Promise<number>(resolve => {
  tap.once('exit', code => resolve(code ?? 1))
})

let passed = 0
let failed = 0
let file: string[] = []
for await (const line of createInterface(tap.stdout)) {
  results.write(`${line}\n`)
  const totals = /^# \{ (.*) \}$/.exec(line)?.[1]
  if (totals !== undefined) {
    const count = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
    passed = count('pass')
    failed = count('fail')
  } else if (line.startsWith('ok ')) {
    console.log(line)
    file = []
  } else if (line.startsWith('not ok ')) {
    console.log([...file.filter(inner => !/^\s+ok /.test(inner)), line].join('\n'))
    file = []
  } else file.push(line)
}
results.end()
const code = await ended
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = code !== 0 ? code : passed === 0 ? 1 : 0
