// Runs one file of this repository on Node >= 24 with the locked dependencies, whatever Node and
// package manager started it. Plain JavaScript, so that an old Node can read it.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const wanted = 24
const windows = process.platform === 'win32'
const { packageManager } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const current = Number.parseInt(process.versions.node, 10)

const run = (command, args, stdout, env) => {
  const { status, signal, error } = spawnSync(command, args, {
    stdio: ['inherit', stdout, 'inherit'],
    shell: windows,
    env: { ...process.env, ...env },
  })
  if (error) throw error
  if (signal) process.kill(process.pid, signal)
  if (status !== 0) process.exit(status ?? 1)
}
const pnpm = spawnSync('pnpm', ['--version'], { encoding: 'utf8', shell: windows }).stdout?.trim()

if (current >= wanted && packageManager === `pnpm@${pnpm}`) {
  run('pnpm', ['install', '--frozen-lockfile', '--silent'], 2)
  run(process.execPath, process.argv.slice(2), 'inherit')
} else if (process.env.WITH_NODE) {
  throw new Error(
    `needs Node >= ${wanted} and ${packageManager}; found Node ${process.version} and pnpm ${pnpm ?? 'none'}`,
  )
} else {
  const node = current >= wanted ? [] : ['-p', `node@${wanted}`]
  const self = fileURLToPath(import.meta.url)
  const args = ['--yes', '--prefer-offline', '-p', packageManager, ...node, '--', 'node', self, ...process.argv.slice(2)]
  run('npx', args, 'inherit', { WITH_NODE: '1' })
}
