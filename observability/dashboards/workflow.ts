import { type Board, buckets, here, quantile, quantiles, rate } from './board.ts'

const one = `${here},workflow=~"$workflow"`

export const workflow: Board = {
  uid: 'meshwork-workflow',
  title: 'Meshwork: workflow',
  description: 'Runs of one workflow, or of some beside each other.',
  variables: [{ name: 'workflow', label: 'Workflow', query: `label_values(meshwork_runs_total{${here}}, workflow)` }],
  rows: [
    {
      title: 'Runs',
      panels: [
        {
          title: 'Runs that end',
          description: 'Runs a second by how they ended.',
          unit: 'ops',
          stacked: true,
          queries: [
            {
              expr: `sum by (workflow, result) (${rate('meshwork_runs_total', one)})`,
              legend: '{{workflow}} {{result}}',
            },
          ],
        },
        {
          title: 'Runs that succeed',
          description: 'Share of the runs that ended.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (workflow) (${rate('meshwork_runs_total', `${one},result="succeeded"`)}) / sum by (workflow) (${rate('meshwork_runs_total', one)})`,
              legend: '{{workflow}}',
            },
          ],
        },
        {
          title: 'Runs that fail, by fault',
          description: 'request: what was asked for cannot be done. system: see the stages.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (workflow, fault) (${rate('meshwork_runs_failed_total', one)})`,
              legend: '{{workflow}} {{fault}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Time',
      panels: [
        {
          title: 'Time of a run',
          description: 'From the acknowledgement to the end, of all workflows that are chosen.',
          unit: 's',
          queries: quantiles('meshwork_run_duration_seconds', one),
        },
        {
          title: 'Time of a run (p95), by workflow',
          description: 'One line for each workflow.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'meshwork_run_duration_seconds', 'workflow', one), legend: '{{workflow}}' }],
        },
        {
          title: 'How the times spread',
          description:
            'Runs by their time. Two bands are two kinds of runs: those that used the cache, and those that did not.',
          kind: 'heatmap',
          unit: 's',
          queries: buckets('meshwork_run_duration_seconds', one),
        },
      ],
    },
    {
      title: 'Beside each other',
      panels: [
        {
          title: 'The last hour',
          description: 'Workflows with what they did in the last hour.',
          kind: 'table',
          width: 24,
          unit: 'short',
          queries: [
            { expr: `sum by (workflow) (increase(meshwork_runs_total{${one}}[1h]))`, legend: 'Runs' },
            {
              expr: `sum by (workflow) (increase(meshwork_runs_total{${one},result="failed"}[1h]))`,
              legend: 'Failed',
            },
            {
              expr: `histogram_quantile(0.95, sum by (workflow, le) (increase(meshwork_run_duration_seconds_bucket{${one}}[1h])))`,
              legend: 'p95',
              unit: 's',
            },
          ],
        },
      ],
    },
  ],
}
