// What a statement spills onto a file system that is really full.

import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Session } from '../../src/data/session.ts'
import { smallDisk } from '../small-disk.ts'

t.test('a spill folder without space is told with its path, and works again once there is some', async t => {
  const disk = smallDisk(t, 64)
  if ('why' in disk) {
    t.pass('no disk was filled', { skip: disk.why })
    return
  }
  const { folder } = disk
  const ballast = join(folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(60 << 20))
  const open = async () => {
    const session = await Session.open({ files: [], scratch: folder, lanes: 1, memoryBytes: 40e6 })
    t.teardown(() => session.close())
    return session
  }
  const sort = `SELECT max(hash) AS last FROM
    (SELECT hash, row_number() OVER (ORDER BY hash) AS place FROM (SELECT hash(range) AS hash FROM range(2000000)))`
  await t.rejects((await open()).query(sort), {
    code: 'MESHWORK_STORE_FULL',
    status: 507,
    retryable: true,
    message: new RegExp(`no space left for ${folder} .*free space`, 's'),
  })
  rmSync(ballast)
  t.same((await (await open()).query(sort)).length, 1)
  t.ok(readdirSync(folder).every(name => name === 'spill'))
})
