// What a process runs out of.

import type { Alert } from '../rule.ts'

export const process: readonly Alert[] = [
  {
    name: 'MeshworkEventLoopSlow',
    severity: 'warning',
    expr: 'nodejs_eventloop_lag_p99_seconds > 0.5 and on (namespace, job, instance) meshwork_build_info',
    for: '5m',
    summary: '{{ $labels.instance }} of {{ $labels.job }} is held up.',
    description:
      'One in a hundred turns of its event loop takes {{ $value | humanizeDuration }}; all its requests wait that long.',
    fires: {
      series: {
        'nodejs_eventloop_lag_p99_seconds{job="gateway",instance="a"}': '0.9x20',
        'meshwork_build_info{job="gateway",instance="a"}': '1x20',
      },
      at: '10m',
    },
    silent: {
      series: {
        'nodejs_eventloop_lag_p99_seconds{job="gateway",instance="a"}': '0.02x20',
        'meshwork_build_info{job="gateway",instance="a"}': '1x20',
      },
      at: '10m',
    },
  },
  {
    name: 'MeshworkFilesRunOut',
    severity: 'warning',
    expr: 'process_open_fds / process_max_fds > 0.8 and on (namespace, job, instance) meshwork_build_info',
    for: '5m',
    summary: '{{ $labels.instance }} of {{ $labels.job }} is about to run out of file descriptors.',
    description: '{{ $value | humanizePercentage }} of those it may have are open.',
    fires: {
      series: {
        'process_open_fds{job="gateway",instance="a"}': '950x20',
        'process_max_fds{job="gateway",instance="a"}': '1024x20',
        'meshwork_build_info{job="gateway",instance="a"}': '1x20',
      },
      at: '10m',
    },
    silent: {
      series: {
        'process_open_fds{job="gateway",instance="a"}': '60x20',
        'process_max_fds{job="gateway",instance="a"}': '1024x20',
        'meshwork_build_info{job="gateway",instance="a"}': '1x20',
      },
      at: '10m',
    },
  },
  {
    name: 'MeshworkWorkersDie',
    severity: 'warning',
    expr: 'sum by (namespace, stage, reason) (increase(meshwork_stage_worker_restarts_total{reason!="recycled"}[15m])) > 5',
    for: '0m',
    summary: 'Workers of stage {{ $labels.stage }} are ended by force.',
    description: '{{ $value | humanize }} within 15 minutes, for the reason "{{ $labels.reason }}".',
    fires: { series: { 'meshwork_stage_worker_restarts_total{stage="clean",reason="crashed"}': '0+1x30' }, at: '20m' },
    silent: {
      series: {
        'meshwork_stage_worker_restarts_total{stage="clean",reason="recycled"}': '0+5x30',
        'meshwork_stage_worker_restarts_total{stage="clean",reason="crashed"}': '1x30',
      },
      at: '20m',
    },
  },
]
