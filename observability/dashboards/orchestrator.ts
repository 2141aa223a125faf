import { type Board, here, none, quantile, rate } from './board.ts'

const process = `${here},job="orchestrator"`

export const orchestrator: Board = {
  uid: 'meshwork-orchestrator',
  title: 'Meshwork: orchestrator and database',
  description: 'Who walks how much, and what the database costs.',
  variables: [],
  rows: [
    {
      title: 'Orchestrators',
      panels: [
        {
          title: 'Runs that each walks',
          description: 'Up to MESHWORK_RUNS_MAX each. All at their limit and a queue: add one.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: `meshwork_runs_active{${here}}`, legend: '{{instance}}' }],
          leadsTo: { uid: 'meshwork-node', variable: 'instance', label: 'instance' },
        },
        {
          title: 'Queue',
          description: 'Runs that wait for an orchestrator.',
          unit: 'short',
          queries: [{ expr: `max(meshwork_queue_depth{${here}})`, legend: 'runs' }],
        },
        {
          title: 'Wait of the first in the queue',
          description: 'Over a minute while none starts is an alert.',
          unit: 's',
          limit: 60,
          queries: [{ expr: `max(meshwork_queue_oldest_seconds{${here}})`, legend: 'first' }],
        },
        {
          title: 'Attempts answered',
          description: 'A second, by instance.',
          unit: 'ops',
          queries: [{ expr: `sum by (instance) (${rate('meshwork_steps_total')})`, legend: '{{instance}}' }],
        },
        {
          title: 'Event loop (p99)',
          description: 'Half a second for five minutes is an alert.',
          unit: 's',
          limit: 0.5,
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${process}}`, legend: '{{instance}}' }],
        },
        {
          title: 'Requests',
          description: 'By route and status.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (method, route, status) (${rate('meshwork_http_request_duration_seconds_count', process)})`,
              legend: '{{method}} {{route}} {{status}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Database',
      panels: [
        {
          title: 'Statements and transactions',
          description: 'A second, by pool: walkers move runs, readers answer requests.',
          unit: 'ops',
          queries: [
            { expr: `sum by (pool, kind) (${rate('meshwork_database_seconds_count')})`, legend: '{{pool}} {{kind}}' },
          ],
        },
        {
          title: 'Time of a statement (p95)',
          description: 'Without the wait for a connection.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'meshwork_database_seconds', 'pool, kind'), legend: '{{pool}} {{kind}}' }],
        },
        {
          title: 'Statements that fail',
          description: 'More than one in twenty is an alert.',
          unit: 'ops',
          queries: [
            { expr: `sum by (pool) (${rate('meshwork_database_errors_total')})`, legend: '{{pool}}', quiet: none },
          ],
        },
        {
          title: 'Wait for a connection (p95)',
          description: 'A quarter of a second is an alert.',
          unit: 's',
          limit: 0.25,
          queries: [
            {
              expr: quantile(0.95, 'meshwork_database_pool_wait_seconds', 'pool'),
              legend: '{{pool}}',
              quiet: 'An embedded database has no pools.',
            },
          ],
        },
        {
          title: 'Connections',
          description: 'Used, idle, and requests that wait for one. An embedded database has none.',
          unit: 'short',
          stacked: true,
          queries: [
            {
              expr: `sum by (pool, state) (meshwork_database_connections{${here}})`,
              legend: '{{pool}} {{state}}',
              quiet: 'An embedded database has no pools.',
            },
          ],
        },
        {
          title: 'Busy with the database',
          description: 'Seconds of statements in a second: how many are in progress at a time.',
          unit: 'short',
          queries: [{ expr: `sum by (pool) (${rate('meshwork_database_seconds_sum')})`, legend: '{{pool}}' }],
        },
      ],
    },
  ],
}
