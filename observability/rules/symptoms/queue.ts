// Runs that wait, or take longer than they should.

import type { Alert } from '../rule.ts'

export const queue: readonly Alert[] = [
  {
    name: 'MeshworkQueueStuck',
    severity: 'critical',
    expr: 'max by (namespace) (meshwork_queue_oldest_seconds) > 60 unless on (namespace) sum by (namespace) (rate(meshwork_run_first_step_seconds_count[5m])) > 0',
    for: '3m',
    summary: 'Runs wait and none starts.',
    description:
      'The first one in the queue has waited {{ $value | humanizeDuration }}, and no run has made its first call for 5 minutes.',
    fires: {
      series: {
        'meshwork_queue_oldest_seconds{instance="a"}': '0+60x30',
        'meshwork_run_first_step_seconds_count{instance="a"}': '7x30',
      },
      at: '20m',
    },
    silent: {
      series: {
        'meshwork_queue_oldest_seconds{instance="a"}': '90x30',
        'meshwork_run_first_step_seconds_count{instance="a"}': '0+3x30',
      },
      at: '20m',
    },
  },
  {
    name: 'MeshworkQueueSlow',
    severity: 'warning',
    expr: 'max by (namespace) (meshwork_queue_oldest_seconds) > 300',
    for: '5m',
    summary: 'Runs wait for long.',
    description:
      'The first one in the queue has waited {{ $value | humanizeDuration }}: there is more to do than the orchestrators take on.',
    fires: { series: { 'meshwork_queue_oldest_seconds{instance="a"}': '0+60x30' }, at: '20m' },
    silent: { series: { 'meshwork_queue_oldest_seconds{instance="a"}': '200x30' }, at: '20m' },
  },
  {
    name: 'MeshworkRunStuck',
    severity: 'warning',
    expr: 'max by (namespace) (meshwork_run_oldest_seconds{status="running"}) > 21600',
    for: '10m',
    summary: 'A run has not ended for hours.',
    description: 'The oldest run that is running was accepted {{ $value | humanizeDuration }} ago.',
    fires: { series: { 'meshwork_run_oldest_seconds{status="running",instance="a"}': '21000+60x40' }, at: '30m' },
    silent: {
      series: {
        'meshwork_run_oldest_seconds{status="running",instance="a"}': '300x40',
        'meshwork_run_oldest_seconds{status="paused",instance="a"}': '90000x40',
      },
      at: '30m',
    },
  },
  {
    name: 'MeshworkRetriesBurn',
    severity: 'warning',
    expr: 'sum by (namespace, stage) (rate(meshwork_step_retries_total[10m])) / sum by (namespace, stage) (rate(meshwork_steps_total[10m])) > 0.2 and sum by (namespace, stage) (increase(meshwork_steps_total[10m])) >= 20',
    for: '5m',
    summary: 'Many attempts of stage {{ $labels.stage }} have to be made again.',
    description:
      '{{ $value | humanizePercentage }} of the attempts of the last 10 minutes failed in a way that may pass.',
    fires: {
      series: {
        'meshwork_steps_total{stage="clean",result="succeeded"}': '0+5x40',
        'meshwork_steps_total{stage="clean",result="retrying"}': '0+5x40',
        'meshwork_step_retries_total{stage="clean",code="MESHWORK_STAGE_BUSY"}': '0+5x40',
      },
      at: '30m',
    },
    silent: {
      series: {
        'meshwork_steps_total{stage="clean",result="succeeded"}': '0+50x40',
        'meshwork_steps_total{stage="clean",result="retrying"}': '0+5x40',
        'meshwork_step_retries_total{stage="clean",code="MESHWORK_STAGE_BUSY"}': '0+5x40',
      },
      at: '30m',
    },
  },
  {
    name: 'MeshworkStageSaturated',
    severity: 'warning',
    expr: 'min_over_time((sum by (namespace, stage) (meshwork_stage_queue_depth))[10m:1m]) > 0',
    for: '5m',
    summary: 'Calls of stage {{ $labels.stage }} wait for a place all the time.',
    description: 'At no moment of the last 10 minutes fewer than {{ $value }} calls waited.',
    fires: { series: { 'meshwork_stage_queue_depth{stage="clean",instance="a"}': '3x40' }, at: '30m' },
    silent: {
      series: {
        'meshwork_stage_queue_depth{stage="clean",instance="a"}':
          '3 0 3 3 0 3 3 0 3 3 0 3 3 0 3 3 0 3 3 0 3 3 0 3 3 0 3 3 0 3',
      },
      at: '28m',
    },
  },
]
