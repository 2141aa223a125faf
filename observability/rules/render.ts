// Rules as Prometheus reads them, and the tests as promtool does.

import { stringify } from 'yaml'
import type { Alert } from './rule.ts'
import { longRecordings, recordings, sloAlerts } from './slo.ts'
import { symptoms } from './symptoms.ts'

const runbooks = 'docs/runbooks'
const written = '# Written by npm run generate from observability/rules.\n'
const layout = { lineWidth: 0, aliasDuplicateObjects: false }

export const alerts: readonly Alert[] = [...sloAlerts, ...symptoms]

const groups = [
  { name: 'meshwork-slo-recordings', rules: recordings },
  { name: 'meshwork-slo-recordings-long', interval: '5m', rules: longRecordings },
  { name: 'meshwork-slo', rules: sloAlerts.map(ruleOf) },
  { name: 'meshwork-symptoms', rules: symptoms.map(ruleOf) },
]

export const rulesFile = (): string => written + stringify({ groups }, layout)

/** The same for the Prometheus Operator. */
export const prometheusRule = (): string =>
  written +
  stringify(
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: {
        name: 'meshwork',
        labels: { 'app.kubernetes.io/name': 'meshwork', 'app.kubernetes.io/component': 'monitoring' },
      },
      spec: { groups },
    },
    layout,
  )

function ruleOf(alert: Alert) {
  return {
    alert: alert.name,
    expr: alert.expr,
    ...(alert.for === '0m' ? {} : { for: alert.for }),
    labels: { severity: alert.severity },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook_url: `${runbooks}/${alert.name}.md`,
    },
  }
}

/** Two tests for each alert: one in which it fires, one in which it stays silent. Those of objectives play days. */
export const testFiles = (): Record<'slo' | 'symptoms', string> => ({
  slo: testFile(sloAlerts, '5m'),
  symptoms: testFile(symptoms, '1m'),
})

function testFile(some: readonly Alert[], interval: string): string {
  const tests = some.flatMap(alert => [testOf(alert, 'fires'), testOf(alert, 'silent')])
  return written + stringify({ rule_files: ['rules/meshwork.yaml'], evaluation_interval: interval, tests }, layout)
}

function testOf({ name, severity, ...stories }: Alert, which: 'fires' | 'silent') {
  const { series, at } = stories[which]
  return {
    name: `${name} (${severity}) ${which === 'fires' ? 'fires' : 'stays silent'}`,
    interval: '1m',
    input_series: Object.entries(series).map(([of, values]) => ({ series: of, values })),
    promql_expr_test: [
      {
        expr: `group(ALERTS{alertname="${name}",severity="${severity}",alertstate="firing"})`,
        eval_time: at,
        exp_samples: which === 'fires' ? [{ value: 1 }] : [],
      },
    ],
  }
}
