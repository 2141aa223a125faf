// The pages that list metrics and alerts.

import { boards } from './dashboards/all.ts'
import { catalogue } from './metrics/catalogue.ts'
import { alerts } from './rules/render.ts'
import { objectives } from './rules/slo.ts'

const written = '<!-- Written by npm run generate. -->\n'
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |\n`).join('')
const code = (text: string): string => `\`${text}\``

export function metricReference(): string {
  const parts = [...catalogue()].map(
    ([owner, metrics]) =>
      `\n## ${owner[0]?.toUpperCase()}${owner.slice(1)}\n${table(
        ['metric', 'kind', 'labels', ''],
        metrics.map(({ name, kind, labels, help }) => [code(name), kind, labels.map(code).join(', '), help]),
      )}`,
  )
  return `${written}# Metrics

What \`/metrics\` of each service has, as Prometheus reads it. Prometheus adds \`job\`, the name of the service, and \`instance\`; on Kubernetes also \`namespace\` and \`pod\`.
Labels are closed and small: never an id of a run, never a text of a user but names of workflows (the first 200) and models.
${parts.join('')}`
}

export function alertReference(): string {
  const share = (target: number): string => `${Number((target * 100).toPrecision(6))} %`
  const of = (text: string): string => text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '*$1*')
  return `${written}# Runbooks

A page for each alert: what it means, what users see, where to look, how to put it right. \`MESHWORK_URL\` is the address of the gateway, \`PROMETHEUS_URL\` that of
Prometheus; on Kubernetes \`kubectl logs\` and \`kubectl get pods\` stand in for \`docker compose logs\` and \`docker compose ps\`. Alerts on the cluster itself are on [one page](kubernetes.md); a service that does not start says why, and [another](start.md) what to do.

## Objectives
Over 30 days. An alert is critical when the budget burns 14.4 times as fast as it may over an hour and still over 5 minutes, or 6 times over 6 hours and 30 minutes; it is a
warning at 3 times over a day and 2 hours, or once over 3 days and 6 hours. Fewer than 20 events in the long window tell nothing.

${table(
  ['objective', 'counts', 'bad are those that', 'good', 'alert'],
  objectives.map(({ slo, target, of: events, broken, alert }) => [
    code(slo),
    of(events),
    broken,
    share(target),
    `[${alert}](${alert}.md)`,
  ]),
)}
## Alerts
${table(
  ['alert', 'severity', 'says', 'after'],
  alerts.map(({ name, severity, summary, for: wait }) => [
    `[${name}](${name}.md)`,
    severity,
    of(summary),
    wait === '0m' ? 'at once' : wait,
  ]),
)}`
}

export const dashboardTable = (): string =>
  table(
    ['dashboard', 'shows', ''],
    boards.map(({ uid, title, description }) => [
      `[${title.replace('Meshwork: ', '')}](../k8s/components/monitoring/dashboards/${uid}.json)`,
      description,
      `[preview](previews/${uid}.svg)`,
    ]),
  )
