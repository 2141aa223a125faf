import { type Board, here, quantile, rate } from './board.ts'

const own = `${here},job="gateway"`
const upstream = 'meshwork_gateway_upstream_duration_seconds'

export const gateway: Board = {
  uid: 'meshwork-gateway',
  title: 'Meshwork: gateway',
  description: 'The one public door: what comes in, and how the services behind answer.',
  variables: [],
  rows: [
    {
      title: 'Services behind',
      panels: [
        {
          title: 'Requests passed on',
          description: 'By service and class of the status; error is a service that did not answer.',
          unit: 'reqps',
          stacked: true,
          queries: [
            { expr: `sum by (service, status) (${rate(`${upstream}_count`)})`, legend: '{{service}} {{status}}' },
          ],
        },
        {
          title: 'Answers that are errors of the system',
          description: 'Share, by service. Objective: less than 0.1 %.',
          unit: 'percentunit',
          limit: 0.001,
          queries: [
            {
              expr: `sum by (service) (${rate(`${upstream}_count`, `${here},status=~"5xx|error"`)}) / sum by (service) (${rate(`${upstream}_count`)}) or 0 * sum by (service) (${rate(`${upstream}_count`)})`,
              legend: '{{service}}',
            },
          ],
        },
        {
          title: 'Time until an answer begins (p95)',
          description: 'By service. Requests that wait for a run or follow its events are long by intent.',
          unit: 's',
          queries: [{ expr: quantile(0.95, upstream, 'service'), legend: '{{service}}' }],
        },
      ],
    },
    {
      title: 'The door',
      panels: [
        {
          title: 'Requests',
          description: 'By route and status.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (method, route, status) (${rate('meshwork_http_request_duration_seconds_count', own)})`,
              legend: '{{method}} {{route}} {{status}}',
            },
          ],
        },
        {
          title: 'Time of a request (p95)',
          description: 'To the end of the answer, by route.',
          unit: 's',
          queries: [
            { expr: quantile(0.95, 'meshwork_http_request_duration_seconds', 'route', own), legend: '{{route}}' },
          ],
        },
        {
          title: 'Event loop (p99)',
          description: 'Half a second for five minutes is an alert.',
          unit: 's',
          limit: 0.5,
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${own}}`, legend: '{{instance}}' }],
          leadsTo: { uid: 'meshwork-node', variable: 'instance', label: 'instance' },
        },
      ],
    },
  ],
}
