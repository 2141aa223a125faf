// A Python with packages, for tests that speak to what others wrote: made once, and kept under the hash of its requirements.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What a machine may lack; anything else that goes wrong is a fault of the test. */
const lacking: readonly (readonly [RegExp, string])[] = [
  [/spawn python3 ENOENT/, 'there is no python3 here'],
  [/No module named '?venv|ensurepip is not available/, 'the Python here has no venv'],
  [
    /NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|NameResolutionError|Max retries exceeded/,
    'no package index can be reached from here',
  ],
]

/** The interpreter, or why there is none here. `cache` is a folder that outlives the test. */
export async function pythonWith(
  requirements: string,
  cache: string,
): Promise<{ interpreter: string } | { why: string }> {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const venv = join(cache, `python-${hash}`)
  const done = join(venv, 'done')
  try {
    if (!existsSync(done)) {
      mkdirSync(cache, { recursive: true })
      await execute('python3', ['-m', 'venv', venv])
      await execute(join(venv, 'bin', 'pip'), ['install', '--quiet', '--retries', '1', '-r', requirements])
      writeFileSync(done, '')
    }
    return { interpreter: join(venv, 'bin', 'python') }
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string }
    const told = `${message}\n${stdout}\n${stderr}`
    const why = lacking.find(([sign]) => sign.test(told))?.[1]
    if (why === undefined) throw error
    return { why }
  }
}
