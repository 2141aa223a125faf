// Services that do not answer, or start again and again.

import { type Alert, grew } from '../rule.ts'

export const away: readonly Alert[] = [
  {
    name: 'MeshworkNoOrchestrator',
    severity: 'critical',
    expr: 'count by (namespace) (last_over_time(meshwork_build_info[1h])) unless on (namespace) (up{job="orchestrator"} == 1) or absent(up{job="orchestrator"})',
    for: '1m',
    summary: 'No orchestrator runs.',
    description: 'Nothing starts and nothing goes on until one is back. What was accepted is kept.',
    fires: {
      series: {
        'up{job="orchestrator",instance="a",namespace="one"}': '1x10 0x10',
        'up{job="orchestrator",instance="a",namespace="two"}': '1x30',
        'meshwork_build_info{job="orchestrator",instance="a",namespace="one"}': '1x10 stale',
      },
      at: '13m',
    },
    silent: {
      series: {
        'up{job="orchestrator",instance="a"}': '0x30',
        'up{job="orchestrator",instance="b"}': '1x30',
        'meshwork_build_info{job="orchestrator",instance="b"}': '1x30',
      },
      at: '20m',
    },
  },
  {
    name: 'MeshworkServiceDown',
    severity: 'critical',
    expr: 'count by (namespace, job) (last_over_time(meshwork_build_info[1h])) unless on (namespace, job) (up == 1)',
    for: '1m',
    summary: 'Nothing of {{ $labels.job }} answers.',
    description:
      'Steps that need {{ $labels.job }} wait and are tried again; they fail when their attempts are used up.',
    fires: {
      series: {
        'up{job="clean",instance="a"}': '1x10 0x10',
        'meshwork_build_info{job="clean",instance="a"}': '1x10 stale',
      },
      at: '13m',
    },
    silent: {
      series: {
        'up{job="clean",instance="a"}': '1x10 0x10',
        'up{job="clean",instance="b"}': '1x30',
        'meshwork_build_info{job="clean",instance="a"}': '1x10 stale',
        'meshwork_build_info{job="clean",instance="b"}': '1x30',
      },
      at: '15m',
    },
  },
  {
    name: 'MeshworkInstanceDown',
    severity: 'warning',
    expr: 'up == 0 and on (namespace, job, instance) last_over_time(meshwork_build_info[1h])',
    for: '3m',
    summary: '{{ $labels.instance }} of {{ $labels.job }} does not answer.',
    description: 'The others of {{ $labels.job }}, if there are any, do its work.',
    fires: {
      series: {
        'up{job="clean",instance="a"}': '1x10 0x10',
        'meshwork_build_info{job="clean",instance="a"}': '1x10 stale',
      },
      at: '16m',
    },
    silent: {
      series: {
        'up{job="clean",instance="a"}': '1x10 0x1 1x10',
        'meshwork_build_info{job="clean",instance="a"}': '1x10 stale 1x10',
      },
      at: '16m',
    },
  },
  {
    name: 'MeshworkStageUnreachable',
    severity: 'warning',
    expr: grew(
      'meshwork_step_retries_total{code=~"MESHWORK_STAGE_UNREACHABLE|MESHWORK_NOT_READY"}',
      'namespace, stage',
      '5m',
    ),
    for: '3m',
    summary: 'The orchestrator does not reach stage {{ $labels.stage }}, or it is not ready.',
    description:
      'Steps of {{ $labels.stage }} are tried again with growing delays and fail when their attempts are used up.',
    fires: {
      series: { 'meshwork_step_retries_total{stage="clean",code="MESHWORK_STAGE_UNREACHABLE"}': '_x5 1+1x20' },
      at: '15m',
    },
    silent: {
      series: {
        'meshwork_step_retries_total{stage="clean",code="MESHWORK_STAGE_UNREACHABLE"}': '3x40',
        'meshwork_step_retries_total{stage="clean",code="MESHWORK_STAGE_BUSY"}': '0+1x40',
      },
      at: '30m',
    },
  },
  {
    name: 'MeshworkProcessRestarts',
    severity: 'warning',
    expr: 'changes(process_start_time_seconds[15m]) >= 3 and on (namespace, job, instance) meshwork_build_info',
    for: '0m',
    summary: '{{ $labels.instance }} of {{ $labels.job }} starts again and again.',
    description: 'It was started {{ $value }} times within 15 minutes.',
    fires: {
      series: {
        'process_start_time_seconds{job="clean",instance="a"}': '100 200 300 400 500x20',
        'meshwork_build_info{job="clean",instance="a"}': '1x20',
      },
      at: '8m',
    },
    silent: {
      series: {
        'process_start_time_seconds{job="clean",instance="a"}': '100x5 400x20',
        'meshwork_build_info{job="clean",instance="a"}': '1x30',
      },
      at: '10m',
    },
  },
]
