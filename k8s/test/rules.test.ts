// Every alert leads to a page that says what to do, and is tried by promtool in both directions.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import type { KubernetesObject } from '../policy/objects.ts'
import { objectsOf, root } from './sources.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string }
}

const [object] = objectsOf('components/monitoring').filter(
  ({ metadata }) => metadata.name === 'meshwork-kubernetes',
) as [KubernetesObject]
const { groups } = object.spec as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap(group => group.rules)
const { tests } = parse(readFileSync(join(root, '../test/k8s/rules/kubernetes.yaml'), 'utf8')) as {
  tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
}

t.test('every alert says what, how bad, and where it is explained', async t => {
  for (const { alert, expr, labels, annotations } of rules) {
    t.match(labels.severity, /^(critical|warning|info)$/, alert)
    t.ok(annotations.summary && annotations.description, alert)
    t.match(expr, /namespace=~"meshwork\(-\.\+\)\?"/, `${alert} looks at the mesh only`)
    const [file = '', anchor] = annotations.runbook_url.split('#')
    const headings = [...readFileSync(join(root, '..', file), 'utf8').matchAll(/^## (.*)$/gm)]
    t.ok(
      headings.some(([, heading]) => heading?.toLowerCase() === anchor),
      `${alert}: ${annotations.runbook_url}`,
    )
  }
})

t.test('every alert is tried: it fires for its fault and is silent without', async t => {
  const tried = tests.flatMap(({ alert_rule_test: cases }) => cases)
  for (const { alert } of rules) {
    const own = tried.filter(({ alertname }) => alertname === alert)
    t.ok(
      own.some(({ exp_alerts: expected }) => expected.length > 0),
      `${alert} fires`,
    )
    t.ok(
      own.some(({ exp_alerts: expected }) => expected.length === 0),
      `${alert} stays silent`,
    )
  }
  t.ok(tried.every(({ alertname }) => rules.some(({ alert }) => alert === alertname)))
})
