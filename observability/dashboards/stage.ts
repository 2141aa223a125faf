import { type Board, buckets, here, none, quantile, quantiles, rate } from './board.ts'

const one = `${here},stage=~"$stage"`
/** A stage is scraped under its name; what is no stage is none of all. */
const process = `${here},job=~"$stage",job!~"gateway|orchestrator"`

export const stage: Board = {
  uid: 'meshwork-stage',
  title: 'Meshwork: stage',
  description: 'Rate, errors and time of a stage, and whether it has room.',
  variables: [{ name: 'stage', label: 'Stage', query: `label_values(meshwork_stage_in_flight{${here}}, stage)` }],
  rows: [
    {
      title: 'Calls',
      panels: [
        {
          title: 'Calls',
          description: 'Calls a second that ended, by result.',
          unit: 'ops',
          stacked: true,
          queries: [
            {
              expr: `sum by (stage, result) (${rate('meshwork_stage_runs_total', one)})`,
              legend: '{{stage}} {{result}}',
            },
          ],
        },
        {
          title: 'Failures by code',
          description: 'docs/errors.md explains each code, and whether the caller or the stage is at fault.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (stage, code) (${rate('meshwork_stage_runs_total', `${one},result!="succeeded"`)})`,
              legend: '{{stage}} {{code}}',
              quiet: none,
            },
          ],
        },
        {
          title: 'Versions',
          description: 'Calls a second by version: two beside each other while one replaces the other.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (stage, version) (${rate('meshwork_stage_runs_total', one)})`,
              legend: '{{stage}} {{version}}',
            },
          ],
        },
        {
          title: 'Time of a call',
          description: 'From its start to its end, the wait for a place not included.',
          unit: 's',
          queries: quantiles('meshwork_stage_run_duration_seconds', one),
        },
        {
          title: 'Time of a call (p95), by version',
          description: 'A new version that is slower than the one before shows here.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.95, 'meshwork_stage_run_duration_seconds', 'stage, version', one),
              legend: '{{stage}} {{version}}',
            },
          ],
        },
        {
          title: 'How the times spread',
          description: 'Calls by their time.',
          kind: 'heatmap',
          unit: 's',
          queries: buckets('meshwork_stage_run_duration_seconds', one),
        },
      ],
    },
    {
      title: 'Room',
      panels: [
        {
          title: 'In progress and waiting',
          description: 'Waiting calls all the time: more replicas, or more places.',
          unit: 'short',
          queries: [
            { expr: `sum by (stage) (meshwork_stage_in_flight{${one}})`, legend: '{{stage}} in progress' },
            { expr: `sum by (stage) (meshwork_stage_queue_depth{${one}})`, legend: '{{stage}} waiting' },
          ],
        },
        {
          title: 'Rows',
          description: 'Rows a second of the outputs of calls that succeeded.',
          unit: 'rowsps',
          queries: [{ expr: `sum by (stage) (${rate('meshwork_stage_rows_total', one)})`, legend: '{{stage}}' }],
        },
        {
          title: 'Processors',
          description: 'Processor seconds in a second, by instance. A click leads to the process.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (job, instance) (${rate('process_cpu_seconds_total', process)} and on (namespace, job, instance) meshwork_build_info)`,
              legend: '{{job}} {{instance}}',
            },
          ],
          leadsTo: { uid: 'meshwork-node', variable: 'instance', label: 'instance' },
        },
        {
          title: 'Calls that got the result of another',
          description: 'Calls with a key that was known: in flight, in another replica, or recorded.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (stage, how) (${rate('meshwork_stage_joined_total', one)})`,
              legend: '{{stage}} {{how}}',
              quiet: 'Nothing while no call is made twice.',
            },
          ],
        },
        {
          title: 'Workers that were replaced',
          description: 'Recycled is usual; killed (deadline, cancel, memory) and crashed are not.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (stage, reason) (${rate('meshwork_stage_worker_restarts_total', one)})`,
              legend: '{{stage}} {{reason}}',
              quiet: none,
            },
          ],
        },
        {
          title: 'Room on the disk of the store',
          description: 'As the stage sees it; with S3, of its copies.',
          unit: 'bytes',
          queries: [{ expr: `min by (stage) (meshwork_store_free_bytes{${one}})`, legend: '{{stage}} free' }],
        },
      ],
    },
    {
      title: 'HTTP',
      panels: [
        {
          title: 'Requests',
          description: 'By route and status, plans and health included.',
          unit: 'reqps',
          width: 12,
          queries: [
            {
              expr: `sum by (method, route, status) (${rate('meshwork_http_request_duration_seconds_count', process)})`,
              legend: '{{method}} {{route}} {{status}}',
            },
          ],
        },
        {
          title: 'Time of a request (p95)',
          description: 'By route.',
          unit: 's',
          width: 12,
          queries: [
            {
              expr: quantile(0.95, 'meshwork_http_request_duration_seconds', 'route', process),
              legend: '{{route}}',
            },
          ],
        },
      ],
    },
  ],
}
