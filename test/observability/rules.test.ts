// Rules are what is generated, every alert leads to a page that helps, and promtool sees each fire and stay silent.

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { alerts, prometheusRule, rulesFile, testFiles } from '../../observability/rules/render.ts'
import { find } from './programs.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(repository, 'observability/prometheus')
const execute = promisify(execFile)

t.test('what is committed is what is generated', async t => {
  t.equal(readFileSync(join(folder, 'rules/meshwork.yaml'), 'utf8'), rulesFile())
  for (const [name, text] of Object.entries(testFiles()))
    t.equal(readFileSync(join(folder, `${name}.test.yaml`), 'utf8'), text)
  t.equal(readFileSync(join(repository, 'k8s/components/monitoring/meshwork-rules.yaml'), 'utf8'), prometheusRule())
})

t.test('every alert has a page: what it means, what users see, how to look, how to put it right', async t => {
  for (const { name } of alerts) {
    const path = join(repository, 'docs/runbooks', `${name}.md`)
    if (!existsSync(path)) {
      t.fail(`${name} has no page at docs/runbooks/${name}.md`)
      continue
    }
    const page = readFileSync(path, 'utf8')
    for (const part of [`# ${name}\n`, '## Means', '## Users see', '## Look', '## Put right', '```sh'])
      t.ok(page.includes(part), `${name} has ${part.trim()}`)
  }
})

const promtool = find('promtool')
t.test('promtool', { skip: promtool === undefined ? 'needs promtool: apt-get install prometheus' : false }, async t => {
  const tool = promtool as string
  const checked = await execute(tool, ['check', 'rules', join(folder, 'rules/meshwork.yaml')])
  t.match(checked.stdout, /SUCCESS/)
  // Those of objectives play days, which takes half a minute: npm run test:observability -- --rules
  const { stdout } = await execute(tool, ['test', 'rules', 'symptoms.test.yaml'], { cwd: folder }).catch(error => {
    t.fail(String(error.stdout ?? '') + String(error.stderr ?? error))
    return { stdout: '' }
  })
  t.match(stdout, /SUCCESS/)
})
