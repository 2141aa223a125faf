// Runs one file of this repository on Node >= 24 with the locked dependencies, whatever Node and
// package manager started it. Plain JavaScript, so that an old Node can read it.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const wanted = 24
const windows = process.platform === 'win32'
const { packageManager } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const current = Number.parseInt(process.versions.node, 10)

/** Signals reach the child also when they were sent to this process alone; its end is ours. */
const run = (command, args, stdout, env) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['inherit', stdout, 'inherit'],
      shell: windows,
      env: { ...process.env, ...env },
    })
    const pass = signal => child.kill(signal)
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, pass)
    // A shell between npm and us passes no signals on: when our parent has gone, so do we.
    const parent = process.ppid
    const watch = setInterval(() => process.ppid !== parent && pass('SIGTERM'), 500)
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearInterval(watch)
      for (const name of signals) process.off(name, pass)
      if (signal) process.exit(128 + (constants.signals[signal] ?? 0))
      if (code !== 0) process.exit(code)
      resolve()
    })
  })

const pnpm = spawnSync('pnpm', ['--version'], { encoding: 'utf8', shell: windows }).stdout?.trim()

if (current >= wanted && packageManager === `pnpm@${pnpm}`) {
  await run('pnpm', ['install', '--frozen-lockfile', '--silent'], 2)
  await run(process.execPath, process.argv.slice(2), 'inherit')
} else if (process.env.WITH_NODE) {
  throw new Error(
    `needs Node >= ${wanted} and ${packageManager}; found Node ${process.version} and pnpm ${pnpm ?? 'none'}`,
  )
} else {
  const node = current >= wanted ? [] : ['-p', `node@${wanted}`]
  const self = fileURLToPath(import.meta.url)
  const args = [
    '--yes',
    '--prefer-offline',
    '-p',
    packageManager,
    ...node,
    '--',
    'node',
    self,
    ...process.argv.slice(2),
  ]
  await run('npx', args, 'inherit', { WITH_NODE: '1' })
}
