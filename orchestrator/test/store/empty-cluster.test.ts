// A new folder of the embedded database is a copy of an empty one.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openFolder } from '../../src/store/database.ts'
import { fillFromEmptyCluster } from '../../src/store/empty-cluster.ts'

t.test('databases of folders that begin alike share nothing', async t => {
  const folder = t.testdir()
  const [one, two] = await Promise.all(['one', 'two'].map(async name => await openFolder(join(folder, name))))
  await one?.query('create table mine (id int)')
  t.same(await one?.query('select * from mine'), [])
  await t.rejects(two?.query('select * from mine') as Promise<unknown>, /"mine" does not exist/)
  await Promise.all([one?.close(), two?.close()])
  t.same(
    readdirSync(folder)
      .sort()
      .filter(name => !name.endsWith('.lock')),
    ['one', 'two'],
    'no draft is left',
  )
})

t.test('an empty folder is filled, whatever a start that was cut off has left beside it', async t => {
  const folder = t.testdir({ state: {}, 'state.new': { PG_VERSION: 'half' } })
  await fillFromEmptyCluster(join(folder, 'state'))
  t.match(readFileSync(join(folder, 'state/PG_VERSION'), 'utf8'), /^\d+\s*$/)
  t.notOk(existsSync(join(folder, 'state.new')))
})

t.test('a folder that is not empty is left as it is', async t => {
  const folder = t.testdir({ state: { 'a.txt': 'mine' } })
  await fillFromEmptyCluster(join(folder, 'state'))
  t.same(readdirSync(join(folder, 'state')), ['a.txt'])
})

t.test('a draft that cannot be written leaves the folder empty', async t => {
  const folder = join(t.testdir(), 'x'.repeat(253)) // the name of a draft is too long for a file system
  mkdirSync(folder)
  await fillFromEmptyCluster(folder)
  t.same(readdirSync(folder), [])
})
