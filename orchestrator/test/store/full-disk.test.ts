// The embedded database on a file system of its own, which is really full.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fillDisk, smallDisk } from '../../../services/kit/test/small-disk.ts'
import { openOrchestrator } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

const workflow = `name: one
params: { value: { type: string } }
steps:
  a: { stage: echo@1, with: { value: "\${params.value}", act: hold } }
  b: { stage: echo@1, with: { value: "\${steps.a.value}, then", after: "\${steps.a.value}" } }
`

t.test('PGlite on a full disk: callers are told, and what was acknowledged goes on when there is room', async t => {
  const disk = smallDisk(t, 160)
  if ('why' in disk) {
    t.pass('no disk was filled', { skip: disk.why })
    return
  }
  const echo = await startEcho(t)
  const { post, until } = await openOrchestrator(t, {
    stateFolder: join(disk.folder, 'state'),
    stages: [{ stage: 'echo', url: echo.url }],
  })
  await post('/v1/workflows', workflow)
  const start = async (value: string) => await post('/v1/runs', { workflow: 'one', params: { value } })
  const held = await start('held')
  await echo.asked('held')
  const filler = join(disk.folder, 'filler')
  fillDisk(filler)
  const acknowledged = [held.id]
  let answer = await start('x'.repeat(30_000))
  for (; answer.statusCode === 202; answer = await start('x'.repeat(30_000))) acknowledged.push(answer.id)
  t.match(answer, {
    statusCode: 503,
    code: 'MESHWORK_DATABASE_UNAVAILABLE',
    retryable: true,
    detail: /No space left on device/,
  })
  echo.release() // the end of the held step cannot be recorded now
  rmSync(filler)
  for (const id of acknowledged) t.match(await until(id, 'succeeded'), { problem: null })
  t.equal(echo.calls.get('held, then'), 1)
})
