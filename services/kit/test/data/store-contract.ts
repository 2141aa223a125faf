// What every artefact store promises (S1-S4 of store.ts), as one suite.

import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { MeshError } from '@meshwork/contracts'
import type { Test } from 'tap'
import type { ArtefactStore } from '../../src/data/store.ts'

const sha256 = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex')
const codeOf = async (work: Promise<unknown>) =>
  await work.then(
    () => 'no error',
    (error: unknown) => (error instanceof MeshError ? error.code : String(error)),
  )

export async function storeContract(t: Test, open: (t: Test) => Promise<ArtefactStore>): Promise<void> {
  await t.test('content comes back under its hash, whole and in every form', async t => {
    const store = await open(t)
    const content = randomBytes(3_000_000)
    const stored = await store.put(content)
    t.same(stored, { hash: sha256(content), bytes: content.length })
    t.ok(content.equals(await store.read(stored.hash)))
    t.ok(content.equals(await readFile(await store.localPath(stored.hash))))
    const chunks: Buffer[] = []
    for await (const chunk of await store.stream(stored.hash)) chunks.push(chunk as Buffer)
    t.ok(content.equals(Buffer.concat(chunks)))
    t.same(await store.head(stored.hash), stored)
  })

  await t.test('putting the same content twice, also at once, is harmless', async t => {
    const store = await open(t)
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.put('the same')))
    for (const answer of answers) t.same(answer, { hash: sha256('the same'), bytes: 8 })
    t.equal((await store.read(sha256('the same'))).toString(), 'the same')
  })

  await t.test('an announced hash that does not fit is refused and nothing becomes visible', async t => {
    const store = await open(t)
    t.equal(await codeOf(store.put('abc', { expected: sha256('abd') })), 'MESHWORK_ARTEFACT_WRONG_HASH')
    t.equal(await store.head(sha256('abc')), undefined)
  })

  await t.test('a source that fails in the middle leaves nothing behind', async t => {
    const store = await open(t)
    async function* broken() {
      yield Buffer.from('half')
      throw new Error('the caller went away')
    }
    t.match(await codeOf(store.put(broken())), /the caller went away/)
    t.equal(await store.head(sha256('half')), undefined)
  })

  await t.test('a hash that is not there, or is not a hash, is missing: no path is ever opened', async t => {
    const store = await open(t)
    for (const hash of [sha256('nothing'), '../../../etc/passwd', '', `${sha256('x')}/..`, 'A'.repeat(64)]) {
      t.equal(await codeOf(store.localPath(hash)), 'MESHWORK_ARTEFACT_MISSING', hash)
      t.equal(await codeOf(store.read(hash)), 'MESHWORK_ARTEFACT_MISSING', hash)
    }
  })

  await t.test('of many that create one record at once exactly one does, and all see its value', async t => {
    const store = await open(t)
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => store.records.create('results/clean/1', 'run/step', { i })),
    )
    t.equal(answers.filter(({ created }) => created).length, 1)
    const winner = answers.find(({ created }) => created)?.value
    for (const { value } of answers) t.same(value, winner)
    t.same(await store.records.read('results/clean/1', 'run/step'), winner)
    await store.records.delete('results/clean/1', 'run/step')
    t.equal(await store.records.read('results/clean/1', 'run/step'), undefined)
  })

  await t.test('names of records that look like paths stay names', async t => {
    const store = await open(t)
    await store.records.create('claims', '../../escape', 1)
    t.equal(await store.records.read('claims', '../../escape'), 1)
    await t.rejects(store.records.create('../claims', 'x', 1), TypeError)
  })

  await t.test('what is there can be listed, and goes when it was not put since', async t => {
    const store = await open(t)
    const contents = ['one', 'two', 'three']
    for (const content of contents) await store.put(content)
    const listed = new Map<string, { bytes: number; putAt: number }>()
    for await (const { hash, ...of } of store.list()) listed.set(hash, of)
    for (const content of contents) {
      const found = listed.get(sha256(content))
      t.equal(found?.bytes, content.length)
      t.ok(Math.abs(Date.now() - (found?.putAt ?? 0)) < 60_000)
    }
    const hash = sha256('one')
    t.equal(await store.remove(hash, Date.now() - 60_000), false, 'it was put since')
    t.same(await store.head(hash), { hash, bytes: 3 })
    t.equal(await store.remove(hash, Date.now() + 60_000), true)
    t.equal(await store.head(hash), undefined)
    t.equal(await store.remove(hash, Date.now() + 60_000), false, 'it is not there')
    t.same(await store.put('one'), { hash, bytes: 3 })
    t.equal((await store.read(hash)).toString(), 'one', 'it is there again')
    t.equal(await codeOf(store.remove('../two', 0)), 'MESHWORK_ARTEFACT_MISSING')
  })

  await t.test('records that were written before a time can be counted and removed', async t => {
    const { records } = await open(t)
    await records.create('old/1', 'a', 1)
    await records.create('old/2', 'b', 2)
    t.equal(await records.removeOld(Date.now() - 60_000, false), 0)
    t.ok((await records.removeOld(Date.now() + 60_000, true)) >= 2)
    t.equal(await records.read('old/1', 'a'), 1)
    t.ok((await records.removeOld(Date.now() + 60_000, false)) >= 2)
    t.equal(await records.read('old/1', 'a'), undefined)
  })
}
