// Carries out the examples of a document as they are written: files are written, commands run, servers started.

import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { type Block, blocksOf } from './markdown-blocks.ts'

export const repository = fileURLToPath(new URL('..', import.meta.url))
const execute = promisify(execFile)

export interface Reader {
  /** Puts ports, folders and commands of ours in the place of those of the document. */
  readonly adapt: (text: string) => string
  readonly env: NodeJS.ProcessEnv
}

/** Commands of this repository without npm before them, which would install anew. */
export const withoutNpm = (text: string): string =>
  text
    .replaceAll('npm run -s stage --', `"${process.execPath}" services/kit/src/cli/main.ts`)
    .replaceAll('npm run -s meshwork --', `"${process.execPath}" orchestrator/src/cli/main.ts`)
    .replaceAll('npm run -s conformance --', `"${process.execPath}" services/inference/src/conformance/main.ts`)
    .replaceAll('node -p', `"${process.execPath}" -p`)
    .replaceAll('node orchestrator/', `"${process.execPath}" orchestrator/`)

export async function carryOut(t: Test, document: string, { adapt, env }: Reader): Promise<void> {
  const blocks = blocksOf(await readFile(join(repository, document), 'utf8'))
  let answer = ''
  t.ok(blocks.length > 0)
  for (const block of blocks) await one(block)

  async function one({ language, words, text, line }: Block): Promise<void> {
    const [what, how] = words
    if (what === 'run') {
      const { code, output } = await shell(adapt(text))
      t.equal(code === 0, how !== 'fails', `line ${line}: ${output.slice(-500)}`)
      if (how !== 'fails') t.notMatch(output, /"status":"failed"/)
    } else if (what === 'start') await start(adapt(text))
    else if (what === 'answer') t.match(lastAnswer(), JSON.parse(text), `line ${line}`)
    else if (what?.includes('/') && language !== 'sh') {
      const path = join(repository, adapt(what))
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, adapt(text))
    }
  }

  async function shell(script: string): Promise<{ code: number; output: string }> {
    try {
      const { stdout, stderr } = await execute('bash', ['-euo', 'pipefail', '-c', script], { cwd: repository, env })
      answer = stdout
      return { code: 0, output: stdout + stderr }
    } catch (error) {
      const {
        code = 1,
        stdout = '',
        stderr = String(error),
      } = error as { code?: number; stdout?: string; stderr?: string }
      return { code, output: `${stdout}${stderr}` }
    }
  }

  /** The last line of what the last command wrote. */
  function lastAnswer(): unknown {
    return JSON.parse(answer.trim().split('\n').at(-1) ?? '')
  }

  async function start(script: string): Promise<void> {
    const child = spawn('bash', ['-c', `exec ${script}`], {
      cwd: repository,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise(resolve => child.once('exit', resolve))
    t.teardown(async () => {
      child.kill('SIGTERM')
      await ended
    })
    let told = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        told += chunk.toString()
        if (told.includes('"msg":"listening"')) resolve()
      })
      child.once('exit', code => reject(new Error(`ended with ${code} before it listened: ${told.slice(-1000)}`)))
    })
  }
}
