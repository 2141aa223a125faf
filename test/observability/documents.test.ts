// What the guides say of dashboards, metrics, alerts and logs is so.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { ecsNames } from '../../services/kit/src/telemetry/ecs.ts'
import { boards } from '../../observability/dashboards/all.ts'
import { alertReference, dashboardTable, metricReference } from '../../observability/reference.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string) => readFileSync(join(repository, file), 'utf8')

t.test('pages that are generated are what is generated', async t => {
  t.equal(read('docs/metrics.md'), metricReference())
  t.equal(read('docs/runbooks/README.md'), alertReference())
  t.ok(read('docs/observability.md').includes(dashboardTable()), 'every dashboard is in the guide')
})

t.test('every dashboard has a preview that was drawn from data', async t => {
  for (const { uid } of boards) t.match(read(`docs/previews/${uid}.svg`), /<path d="M\d[^"]*L/, uid)
})

t.test('names in the Elastic Common Schema are those that Filebeat gives', async t => {
  const { processors } = parse(read('observability/logs/filebeat.yaml')) as {
    processors: { rename?: { fields: { from: string; to: string }[] } }[]
  }
  const renamed = processors.flatMap(({ rename }) => rename?.fields ?? [])
  const rows = [...read('docs/logs.md').matchAll(/^\| `([\w.]+)` \| `([\w.@]+)` \|$/gm)]
  const documented = rows.map(([, from, to]) => `meshwork.${from} ${to}`).filter(text => !text.endsWith('@timestamp'))
  t.same(
    renamed.map(({ from, to }) => `${from} ${to}`),
    documented,
  )
  t.same(
    rows.map(([, from, to]) => [from, to]),
    Object.entries(ecsNames),
    'and those that services give themselves',
  )
})
