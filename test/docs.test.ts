// Every example of the README and the guides is carried out, as it is written, against a real mesh: files are written,
// commands run, servers started. Only ports, the state folder and the folder of the reader's files are our own.

import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { freePorts } from '../launcher/src/free-port.ts'
import { startMesh } from '../launcher/src/mesh.ts'
import { seedMesh } from '../launcher/src/seed.ts'
import { type Block, blocksOf } from './markdown-blocks.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const documents = [
  'docs/write-a-stage.md',
  'README.md',
  'docs/orchestrator.md',
  'docs/type-checking.md',
  'docs/inference.md',
]
const execute = promisify(execFile)

t.test('the examples of the documents work as they are written', { timeout: 170_000 }, async t => {
  const folder = join(repository, '.meshwork', `docs-test-${process.pid}`)
  const own = join('.meshwork', `docs-test-${process.pid}`, 'my-stages')
  await mkdir(join(repository, own), { recursive: true })
  const mesh = await startMesh({ folder, logLevel: 'warn', onLine: (name, line) => t.comment(`${name} ${line}`) })
  t.teardown(async () => {
    await mesh.end()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  await seedMesh(mesh.url)
  const ports = await freePorts(2)
  const adapt = (text: string) =>
    text
      .replaceAll('http://127.0.0.1:8080', mesh.url)
      .replaceAll('4100', String(ports[0]))
      .replaceAll('4101', String(ports[1]))
      .replaceAll('my-stages/', `${own}/`)
      .replaceAll('npm run -s stage --', `"${process.execPath}" services/kit/src/cli/main.ts`)
      .replaceAll('npm run -s meshwork --', `"${process.execPath}" orchestrator/src/cli/main.ts`)
      .replaceAll('npm run -s conformance --', `"${process.execPath}" services/inference/src/conformance/main.ts`)
      .replaceAll('node -p', `"${process.execPath}" -p`)
  const env = { ...process.env, MESHWORK_URL: mesh.url, MESHWORK_STORE_URL: new URL(`file://${folder}/store`).href }

  for (const document of documents)
    await t.test(document, async t => {
      const blocks = blocksOf(await readFile(join(repository, document), 'utf8'))
      let answer = ''
      t.ok(blocks.length > 0)
      for (const block of blocks) await carryOut(block)

      async function carryOut({ language, words, text, line }: Block): Promise<void> {
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
    })
})
