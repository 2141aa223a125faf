// A Python environment for the chain of scripts: made once, in the cache of the repository.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Path of a Python that has the packages of a requirements file. Throws when there is no Python. */
export function pythonWith(requirements: string, cache: string, say: (text: string) => void): string {
  const text = readFileSync(requirements, 'utf8')
  const folder = join(cache, `python-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`)
  const python = join(folder, 'bin', 'python')
  const done = join(folder, 'done')
  if (existsSync(done)) return python
  say('  installing Python packages (once) …')
  mkdirSync(cache, { recursive: true })
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  writeFileSync(done, '')
  return python
}
