// Rules as Prometheus reads them, and the tests as promtool does.

import { stringify } from 'yaml'
import type { Alert } from './rule.ts'
import { recordings, sloAlerts } from './slo.ts'
import { symptoms } from './symptoms.ts'

const runbooks = 'docs/runbooks'
const written = '# Written by npm run generate from observability/rules.\n'
const layout = { lineWidth: 0, aliasDuplicateObjects: false }

export const alerts: readonly Alert[] = [...sloAlerts, ...symptoms]

export const rulesFile = (): string =>
  written +
  stringify(
    {
      groups: [
        { name: 'meshwork-slo-recordings', interval: '30s', rules: recordings },
        { name: 'meshwork-slo', rules: sloAlerts.map(ruleOf) },
        { name: 'meshwork-symptoms', rules: symptoms.map(ruleOf) },
      ],
    },
    layout,
  )

const ruleOf = (alert: Alert) => ({
  alert: alert.name,
  expr: alert.expr,
  ...(alert.for === '0m' ? {} : { for: alert.for }),
  labels: { severity: alert.severity },
  annotations: {
    summary: alert.summary,
    description: alert.description,
    runbook_url: `${runbooks}/${alert.name}.md`,
  },
})

/** Two tests for each alert: one in which it fires, one in which it stays silent. */
export const testsFile = (): string =>
  written +
  stringify(
    {
      rule_files: ['rules/meshwork.yaml'],
      evaluation_interval: '1m',
      tests: alerts.flatMap(alert => [testOf(alert, 'fires'), testOf(alert, 'silent')]),
    },
    layout,
  )

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
