// Schedules and webhooks that come late, or not at all.

import { type Alert, grew } from '../rule.ts'

export const promises: readonly Alert[] = [
  {
    name: 'MeshworkSchedulesLate',
    severity: 'warning',
    expr: 'histogram_quantile(0.9, sum by (namespace, le) (increase(meshwork_schedule_lag_seconds_bucket[15m]))) > 30',
    for: '0m',
    summary: 'Schedules start their runs late.',
    description:
      'Of the last 15 minutes one run in ten started {{ $value | humanizeDuration }} or more after the time that its schedule names.',
    fires: {
      series: {
        'meshwork_schedule_lag_seconds_bucket{le="15"}': '0x30',
        'meshwork_schedule_lag_seconds_bucket{le="60"}': '0+1x30',
        'meshwork_schedule_lag_seconds_bucket{le="+Inf"}': '0+1x30',
      },
      at: '20m',
    },
    silent: {
      series: {
        'meshwork_schedule_lag_seconds_bucket{le="15"}': '0+1x30',
        'meshwork_schedule_lag_seconds_bucket{le="60"}': '0+1x30',
        'meshwork_schedule_lag_seconds_bucket{le="+Inf"}': '0+1x30',
      },
      at: '20m',
    },
  },
  {
    name: 'MeshworkSchedulesMissed',
    severity: 'warning',
    expr: grew('meshwork_schedule_fires_total{outcome="missed"}', 'namespace', '30m'),
    for: '0m',
    summary: 'Schedules did not start runs that they name.',
    description:
      'No orchestrator noticed their time within a minute, and their policy for what was missed says not to make up for it.',
    fires: { series: { 'meshwork_schedule_fires_total{outcome="missed"}': '_x10 1x10' }, at: '12m' },
    silent: {
      series: {
        'meshwork_schedule_fires_total{outcome="missed"}': '1x60',
        'meshwork_schedule_fires_total{outcome="skipped"}': '0+1x60',
      },
      at: '50m',
    },
  },
  {
    name: 'MeshworkWebhooksFail',
    severity: 'warning',
    expr: 'sum by (namespace) (increase(meshwork_webhook_deliveries_total{outcome=~"again|given-up"}[30m])) / sum by (namespace) (increase(meshwork_webhook_deliveries_total[30m])) > 0.5',
    for: '15m',
    summary: 'Events do not reach the webhooks that asked for them.',
    description:
      '{{ $value | humanizePercentage }} of the attempts of the last 30 minutes failed. They are made again for seven hours, then given up.',
    fires: {
      series: {
        'meshwork_webhook_deliveries_total{outcome="delivered"}': '0+1x90',
        'meshwork_webhook_deliveries_total{outcome="again"}': '0+3x90',
      },
      at: '60m',
    },
    silent: {
      series: {
        'meshwork_webhook_deliveries_total{outcome="delivered"}': '0+3x90',
        'meshwork_webhook_deliveries_total{outcome="again"}': '0+1x90',
      },
      at: '60m',
    },
  },
]
