// The database of the orchestrators.

import type { Alert } from '../rule.ts'

const wait = (pool: string, le: string): string =>
  `meshwork_database_pool_wait_seconds_bucket{pool="${pool}",job="orchestrator",instance="a",le="${le}"}`

export const database: readonly Alert[] = [
  {
    name: 'MeshworkDatabasePoolWaits',
    severity: 'warning',
    expr: 'histogram_quantile(0.95, sum by (namespace, pool, le) (rate(meshwork_database_pool_wait_seconds_bucket[5m]))) > 0.25',
    for: '5m',
    summary: 'Connections to the database are waited for.',
    description:
      'One in twenty requests of the pool "{{ $labels.pool }}" waits {{ $value | humanizeDuration }} or longer.',
    fires: {
      series: {
        [wait('readers', '0.25')]: '0+10x30',
        [wait('readers', '0.5')]: '0+100x30',
        [wait('readers', '+Inf')]: '0+100x30',
      },
      at: '20m',
    },
    silent: {
      series: {
        [wait('readers', '0.25')]: '0+99x30',
        [wait('readers', '0.5')]: '0+100x30',
        [wait('readers', '+Inf')]: '0+100x30',
      },
      at: '20m',
    },
  },
  {
    name: 'MeshworkDatabaseErrors',
    severity: 'critical',
    expr: 'sum by (namespace, pool) (rate(meshwork_database_errors_total[5m])) / sum by (namespace, pool) (rate(meshwork_database_seconds_count[5m])) > 0.05',
    for: '2m',
    summary: 'Statements on the database fail.',
    description:
      '{{ $value | humanizePercentage }} of those of the pool "{{ $labels.pool }}" failed within 5 minutes. Runs do not get on; what is recorded is safe.',
    fires: {
      series: {
        'meshwork_database_errors_total{pool="walkers"}': '0+10x30',
        'meshwork_database_seconds_count{pool="walkers",kind="statement"}': '0+100x30',
      },
      at: '20m',
    },
    silent: {
      series: {
        'meshwork_database_errors_total{pool="walkers"}': '0+1x30',
        'meshwork_database_seconds_count{pool="walkers",kind="statement"}': '0+100x30',
      },
      at: '20m',
    },
  },
]
