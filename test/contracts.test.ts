// The gate on changes of contracts, on copies of the real ones.

import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const repository = fileURLToPath(new URL('..', import.meta.url))

function copies(t: Test) {
  const folder = t.testdir({ published: {}, released: {} })
  const published = join(folder, 'published')
  const released = join(folder, 'released')
  cpSync(join(repository, 'contracts/released'), published, { recursive: true })
  cpSync(join(repository, 'contracts/released'), released, { recursive: true })
  const run = (...args: string[]) => {
    const file = join(repository, 'scripts/contracts.ts')
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [file, '--published', published, '--released', released, ...args],
      { encoding: 'utf8', cwd: repository },
    )
    return { status, text: `${stdout}${stderr}` }
  }
  const breakFeatures = (to: string) => {
    const document = JSON.parse(readFileSync(join(published, 'features.v1.json'), 'utf8'))
    document.components.schemas.FeaturesInput.required.push('seed')
    document.components.schemas.FeaturesInput.properties.seed = { type: 'integer' }
    writeFileSync(join(published, to), JSON.stringify(document))
  }
  return { published, released, run, breakFeatures }
}

t.test('what is published here breaks nothing that was released', async t => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/contracts.ts'], {
    encoding: 'utf8',
    cwd: repository,
  })
  t.equal(status, 0, stderr)
})

t.test('a breaking change fails with its place and the way out, and is not released', async t => {
  const { released, run, breakFeatures } = copies(t)
  breakFeatures('features.v1.json')
  for (const args of [[], ['--release']]) {
    const { status, text } = run(...args)
    t.equal(status, 1)
    t.match(text, 'features.v1: breaking: POST /v1/features request /seed: must be sent now')
    t.match(text, '[request-body-required]')
    t.match(text, 'publish it as features.v2.json')
  }
  t.notMatch(readFileSync(join(released, 'features.v1.json'), 'utf8'), '"seed"')
})

t.test('the same change as a new major passes, and is released', async t => {
  const { released, run, breakFeatures } = copies(t)
  breakFeatures('features.v2.json')
  t.match(run(), { status: 0, text: 'features.v2: info: features.v2: is new' })
  t.equal(run('--release').status, 0)
  t.ok(readdirSync(released).includes('features.v2.json'))
  t.match(run(), { status: 0, text: 'none breaks' })
})

t.test('a major may not go while callers were told that it stays', async t => {
  const { published, run } = copies(t)
  renameSync(join(published, 'features.v1.json'), join(published, 'features.v2.json'))
  t.match(run(), { status: 1, text: /features\.v1: breaking: features\.v1: is no longer published/ })
  rmSync(join(published, 'features.v2.json'))
  t.equal(run('--release').status, 1)
})
