import { type Board, here, none, quantile, quantiles, rate } from './board.ts'

const mesh = `on (namespace, job, instance) last_over_time(meshwork_build_info{${here}}[1h])`

export const overview: Board = {
  uid: 'meshwork-overview',
  title: 'Meshwork: overview',
  description: 'Whether the promises are kept, what runs, and where to look next.',
  variables: [],
  rows: [
    {
      title: 'Promises',
      panels: [
        {
          title: 'Good events of the last hour',
          description: 'Share of what went well, for each objective. The objectives stand in docs/observability.md.',
          unit: 'percentunit',
          queries: [{ expr: `1 - meshwork:slo_errors:ratio_rate1h{${here}}`, legend: '{{slo}} {{stage}}{{model}}' }],
        },
        {
          title: 'Burn rate of the budgets',
          description:
            'How fast the budget of 30 days is used: 1 uses it up in 30 days, 14.4 in two days. Above the line for an hour somebody is called.',
          unit: 'short',
          limit: 14.4,
          queries: [
            {
              expr: `meshwork:slo_errors:ratio_rate1h{${here}} / on (slo) group_left () (1 - meshwork:slo_objective:ratio)`,
              legend: '{{slo}} {{stage}}{{model}}',
            },
          ],
        },
        {
          title: 'Alerts',
          description: 'What fires now. docs/runbooks has a page for each.',
          kind: 'table',
          unit: 'short',
          queries: [
            {
              expr: `sum by (alertname, severity, job, stage) (ALERTS{alertname=~"Meshwork.*",alertstate="firing"})`,
              legend: 'Firing',
              quiet: none,
            },
          ],
        },
      ],
    },
    {
      title: 'Runs',
      panels: [
        {
          title: 'Runs that end',
          description: 'Runs a second by how they ended.',
          unit: 'ops',
          stacked: true,
          queries: [{ expr: `sum by (result) (${rate('meshwork_runs_total')})`, legend: '{{result}}' }],
        },
        {
          title: 'Runs that fail',
          description:
            'By whose fault: of what was asked for (request), or of the system. Only the latter uses up the budget.',
          unit: 'ops',
          queries: [{ expr: `sum by (fault) (${rate('meshwork_runs_failed_total')})`, legend: '{{fault}}' }],
        },
        {
          title: 'Open runs',
          description: 'Runs that have not ended, of all orchestrators together.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: `max by (status) (meshwork_runs_open{${here}})`, legend: '{{status}}' }],
        },
        {
          title: 'Time of a run',
          description: 'From its acknowledgement to its end.',
          unit: 's',
          queries: quantiles('meshwork_run_duration_seconds'),
        },
        {
          title: 'Waiting in the queue',
          description: 'Runs that no orchestrator has taken yet.',
          unit: 'short',
          queries: [{ expr: `max(meshwork_queue_depth{${here}})`, legend: 'runs' }],
        },
        {
          title: 'Oldest',
          description: 'Age of the oldest run by status, and for how long the first in the queue has waited.',
          unit: 's',
          queries: [
            { expr: `max by (status) (meshwork_run_oldest_seconds{${here}})`, legend: '{{status}}' },
            { expr: `max(meshwork_queue_oldest_seconds{${here}})`, legend: 'in the queue' },
          ],
        },
      ],
    },
    {
      title: 'Stages',
      panels: [
        {
          title: 'Calls',
          description: 'Calls a second that ended, by stage. A click leads to the stage.',
          unit: 'ops',
          stacked: true,
          queries: [{ expr: `sum by (stage) (${rate('meshwork_stage_runs_total')})`, legend: '{{stage}}' }],
          leadsTo: { uid: 'meshwork-stage', variable: 'stage', label: 'stage' },
        },
        {
          title: 'Calls that fail',
          description: 'Share of the calls of a stage that did not succeed, mistakes of callers included.',
          unit: 'percentunit',
          queries: [
            {
              expr: `1 - sum by (stage) (${rate('meshwork_stage_runs_total', `${here},result="succeeded"`)}) / sum by (stage) (${rate('meshwork_stage_runs_total')})`,
              legend: '{{stage}}',
            },
          ],
          leadsTo: { uid: 'meshwork-stage', variable: 'stage', label: 'stage' },
        },
        {
          title: 'Time of a call (p95)',
          description: 'Without the wait for a place.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'meshwork_stage_run_duration_seconds', 'stage'), legend: '{{stage}}' }],
          leadsTo: { uid: 'meshwork-stage', variable: 'stage', label: 'stage' },
        },
      ],
    },
    {
      title: 'Services',
      panels: [
        {
          title: 'Instances that answer',
          description: 'By service. A click leads to its processes.',
          unit: 'short',
          queries: [{ expr: `sum by (job) (up{${here}} and ${mesh})`, legend: '{{job}}' }],
          leadsTo: { uid: 'meshwork-node', variable: 'job', label: 'job' },
        },
        {
          title: 'Versions that run',
          description: 'Two versions of a service are there while it is replaced, and not for long.',
          kind: 'table',
          unit: 'short',
          queries: [{ expr: `count by (job, version, node) (meshwork_build_info{${here}})`, legend: 'Instances' }],
        },
        {
          title: 'Room on the disk of the store',
          description: 'With S3: of the disk that holds the copies. Below a tenth there is an alert.',
          unit: 'percentunit',
          limit: 0.1,
          queries: [
            {
              expr: `min(meshwork_store_free_bytes{${here}} / meshwork_store_size_bytes{${here}})`,
              legend: 'free',
            },
          ],
        },
      ],
    },
  ],
}
