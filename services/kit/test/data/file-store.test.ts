import { chmod, mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { openStore } from '../../src/data/open.ts'
import { storeContract } from './store-contract.ts'

const open = async (t: { testdir: () => string }) => await openStore(pathToFileURL(t.testdir()).href)

t.test('a folder keeps the contract of a store', async t => {
  await storeContract(t, open)
})

t.test('a file that was damaged on disk is found by the next process that reads it', async t => {
  const store = await open(t)
  const { hash } = await store.put('precious')
  const path = await store.localPath(hash)
  await chmod(path, 0o644)
  await writeFile(path, 'preciouS')
  await utimes(path, new Date(0), new Date(0))
  await t.rejects(store.read(hash), { code: 'MESHWORK_ARTEFACT_CORRUPT' })
  const next = await openStore(store.url)
  await t.rejects(next.localPath(hash), { code: 'MESHWORK_ARTEFACT_CORRUPT' })
})

t.test('content that is put again is as good as new, so that it is not removed for its age', async t => {
  const store = await open(t)
  const { hash } = await store.put('old')
  await utimes(await store.localPath(hash), new Date(0), new Date(0))
  await store.put('old')
  t.equal(await store.remove(hash, Date.now() - 60_000), false)
  await utimes(await store.localPath(hash), new Date(0), new Date(0))
  t.equal(await store.remove(hash, Date.now() - 60_000), true)
})

t.test('what a process that died left in tmp is removed after a day, and not before', async t => {
  const store = await open(t)
  const old = join(store.scratchRoot, 'old')
  const young = join(store.scratchRoot, 'young')
  await mkdir(old)
  await mkdir(young)
  await utimes(old, new Date(0), new Date(0))
  await openStore(store.url)
  t.same(await readdir(store.scratchRoot), ['young'])
})

t.test('a file is adopted with its hash and stays readable under it', async t => {
  const store = await open(t)
  const path = join(store.scratchRoot, 'made')
  await writeFile(path, 'made elsewhere')
  const { hash, bytes } = await store.adopt(path)
  t.equal(bytes, 14)
  t.equal((await store.read(hash)).toString(), 'made elsewhere')
  t.ok((await store.localPath(hash)).startsWith(fileURLToPath(store.url)))
})

t.test('a URL of another kind is refused with the ones there are', async t => {
  await t.rejects(openStore('ftp://x/y'), /use file:/)
})
