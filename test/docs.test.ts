// Every example of the README and the guides is carried out, as it is written, against a real mesh. Only ports, the
// state folder and the folder of the reader's files are our own.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { freePorts } from '../launcher/src/free-port.ts'
import { startMesh } from '../launcher/src/mesh.ts'
import { seedMesh } from '../launcher/src/seed.ts'
import { carryOut, repository, withoutNpm } from './carry-out.ts'

const documents = [
  'docs/write-a-stage.md',
  'README.md',
  'docs/orchestrator.md',
  'docs/type-checking.md',
  'docs/inference.md',
]

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
    withoutNpm(text)
      .replaceAll('http://127.0.0.1:8080', mesh.url)
      .replaceAll('4100', String(ports[0]))
      .replaceAll('4101', String(ports[1]))
      .replaceAll('my-stages/', `${own}/`)
  const env = { ...process.env, MESHWORK_URL: mesh.url, MESHWORK_STORE_URL: new URL(`file://${folder}/store`).href }
  for (const document of documents) await t.test(document, async t => await carryOut(t, document, { adapt, env }))
})
