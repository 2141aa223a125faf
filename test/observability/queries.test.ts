// Every query asks for what a service exports, by labels that it has; dashboards are what is generated, and keep the
// conventions that make them readable.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { boards } from '../../observability/dashboards/all.ts'
import { dashboardJson } from '../../observability/dashboards/render.ts'
import { catalogue, seriesNames } from '../../observability/metrics/catalogue.ts'
import { selectorsOf } from '../../observability/promql/selectors.ts'
import { alerts } from '../../observability/rules/render.ts'
import { longRecordings, recordings } from '../../observability/rules/slo.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(repository, 'k8s/components/monitoring/dashboards')
/** Labels that Prometheus gives, or its rules. */
const target = ['namespace', 'job', 'instance', 'pod', 'le']
const ofRules = ['slo', 'alertname', 'alertstate', 'severity', 'stage', 'model']

const known = new Map<string, readonly string[]>()
for (const metrics of catalogue().values())
  for (const metric of metrics) for (const name of seriesNames(metric)) known.set(name, [...metric.labels, ...target])
known.set('up', target)
for (const name of ['ALERTS', ...[...recordings, ...longRecordings].map(({ record }) => record)])
  known.set(name, [...ofRules, ...target])

/** What is wrong with a query, in words. */
function faultsOf(expr: string): string[] {
  return selectorsOf(expr).flatMap(({ metric, labels }) => {
    const has = known.get(metric)
    if (has === undefined) return [`no service exports ${metric}`]
    return labels.filter(label => !has.includes(label)).map(label => `${metric} has no label ${label}`)
  })
}
const panels = boards.flatMap(({ uid, rows }) =>
  rows.flatMap(row => row.panels.map(panel => ({ where: `${uid}: ${panel.title}`, panel }))),
)

t.test('a query of what is not there is seen', async t => {
  t.same(faultsOf('rate(meshwork_runs_totl[5m])'), ['no service exports meshwork_runs_totl'])
  t.same(faultsOf('meshwork_runs_total{runId="1"}'), ['meshwork_runs_total has no label runId'])
  t.throws(() => faultsOf('sum(rate(up[5m])'), SyntaxError)
})

t.test('panels ask for metrics that services export', async t => {
  for (const { where, panel } of panels) for (const { expr } of panel.queries) t.same(faultsOf(expr), [], where)
  for (const { uid, variables } of boards)
    for (const { query, name } of variables) {
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? []
      t.same(faultsOf(selector), [], `${uid} $${name}`)
      const [asked] = selectorsOf(selector)
      t.ok(known.get(asked?.metric ?? '')?.includes(label), `${uid} $${name} has values`)
    }
})

t.test('rules ask for metrics that services export', async t => {
  for (const { record, expr } of [...recordings, ...longRecordings]) t.same(faultsOf(expr), [], record)
  for (const { name, expr, fires, silent } of alerts) {
    t.same(faultsOf(expr), [], name)
    for (const story of [fires, silent])
      for (const series of Object.keys(story.series)) t.same(faultsOf(series), [], `the story of ${name}`)
  }
})

t.test('runbooks ask for metrics that services export', async t => {
  const pages = readdirSync(join(repository, 'docs/runbooks')).filter(name => name.startsWith('Meshwork'))
  for (const page of pages) {
    const text = readFileSync(join(repository, 'docs/runbooks', page), 'utf8')
    for (const [, expr = ''] of text.matchAll(/^promtool query instant "\$PROMETHEUS_URL" '(.*)'$/gm))
      t.same(faultsOf(expr), [], page)
    for (const [, name = ''] of text.matchAll(/\]\((Meshwork\w+\.md)\)/g))
      t.ok(pages.includes(name), `${page}: ${name}`)
  }
  t.same(pages.toSorted(), [...new Set(alerts.map(({ name }) => `${name}.md`))].toSorted(), 'a page for each alert')
})

t.test('dashboards are what is generated', async t => {
  t.same(readdirSync(folder).sort(), boards.map(({ uid }) => `${uid}.json`).sort())
  const { configMapGenerator } = parse(readFileSync(join(folder, '../kustomization.yaml'), 'utf8')) as {
    configMapGenerator: { files: string[] }[]
  }
  const shipped = configMapGenerator.flatMap(({ files }) => files)
  t.same(shipped.toSorted(), boards.map(({ uid }) => `dashboards/${uid}.json`).sort(), 'each is a ConfigMap')
  for (const board of boards) t.equal(readFileSync(join(folder, `${board.uid}.json`), 'utf8'), dashboardJson(board))
})

t.test('a panel says what it shows, keeps to its place, and leads where there is something', async t => {
  for (const { uid, rows } of boards) {
    const titles = rows.flatMap(row => row.panels.map(({ title }) => title))
    t.equal(new Set(titles).size, titles.length, `${uid}: titles differ`)
    t.ok(titles.length <= 25, `${uid} has ${titles.length} panels`)
  }
  for (const { where, panel } of panels) {
    t.match(panel.description, /\.$/, where)
    const leads = boards.find(({ uid }) => uid === panel.leadsTo?.uid)
    if (panel.leadsTo)
      t.ok(
        leads?.variables.some(({ name }) => name === panel.leadsTo?.variable),
        where,
      )
    for (const { expr } of panel.queries) {
      for (const { metric, labels } of selectorsOf(expr))
        if (!/^(ALERTS|meshwork:slo_objective:ratio)$/.test(metric) && !expr.includes(`instance) ${metric}`))
          t.ok(labels.includes('namespace'), `${where}: ${metric} of all namespaces`)
      if (panel.kind !== 'table' && !expr.includes('last_over_time'))
        t.notMatch(expr, /\[\d+\w\]/, `${where}: a fixed window`)
    }
  }
})
