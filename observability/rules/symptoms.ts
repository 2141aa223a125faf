// What is wrong right now, whatever it does to the objectives yet.

import { type Alert, grew } from './rule.ts'

const stageCode = (code: string): string => `meshwork_stage_runs_total{code="${code}"}`
const failure = (code: string): string =>
  `meshwork_stage_runs_total{stage="clean",instance="a",result="failed",code="${code}"}`
const wait = (pool: string, le: string): string =>
  `meshwork_database_pool_wait_seconds_bucket{pool="${pool}",job="orchestrator",instance="a",le="${le}"}`

const away: readonly Alert[] = [
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

const queue: readonly Alert[] = [
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

const promises: readonly Alert[] = [
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

const store: readonly Alert[] = [
  {
    name: 'MeshworkStoreFills',
    severity: 'warning',
    expr: 'min by (namespace) (meshwork_store_free_bytes / meshwork_store_size_bytes) < 0.1',
    for: '5m',
    summary: 'The disk of the store is nearly full.',
    description:
      '{{ $value | humanizePercentage }} of it is free. When nothing is, calls fail with MESHWORK_STORE_FULL.',
    fires: {
      series: {
        'meshwork_store_free_bytes{stage="clean",instance="a"}': '5x20',
        'meshwork_store_size_bytes{stage="clean",instance="a"}': '100x20',
      },
      at: '10m',
    },
    silent: {
      series: {
        'meshwork_store_free_bytes{stage="clean",instance="a"}': '20x20',
        'meshwork_store_size_bytes{stage="clean",instance="a"}': '100x20',
      },
      at: '10m',
    },
  },
  {
    name: 'MeshworkStoreFull',
    severity: 'critical',
    expr: grew(stageCode('MESHWORK_STORE_FULL'), 'namespace, stage', '10m'),
    for: '0m',
    summary: 'The store is full.',
    description:
      'Stage {{ $labels.stage }} could not write its output. Calls fail until there is room; what is written is kept.',
    fires: { series: { [failure('MESHWORK_STORE_FULL')]: '_x10 1x10' }, at: '12m' },
    silent: { series: { [failure('MESHWORK_STORE_FULL')]: '4x60' }, at: '40m' },
  },
  {
    name: 'MeshworkStoreUnavailable',
    severity: 'critical',
    expr: grew(stageCode('MESHWORK_STORE_UNAVAILABLE'), 'namespace, stage', '5m'),
    for: '2m',
    summary: 'Stage {{ $labels.stage }} does not reach the store.',
    description: 'Its calls fail and are made again; runs fail when the attempts are used up.',
    fires: { series: { [failure('MESHWORK_STORE_UNAVAILABLE')]: '_x10 1+1x20' }, at: '20m' },
    silent: { series: { [failure('MESHWORK_STORE_UNAVAILABLE')]: '9x60' }, at: '40m' },
  },
  {
    name: 'MeshworkArtefactCorrupt',
    severity: 'critical',
    expr: grew(stageCode('MESHWORK_ARTEFACT_CORRUPT'), 'namespace, stage', '1h'),
    for: '0m',
    summary: 'An artefact is not what was written.',
    description:
      'Stage {{ $labels.stage }} read bytes that do not have the hash of their name. Nothing was computed from them.',
    fires: { series: { [failure('MESHWORK_ARTEFACT_CORRUPT')]: '_x10 1x10' }, at: '12m' },
    silent: { series: { [failure('MESHWORK_ARTEFACT_CORRUPT')]: '1x200' }, at: '3h' },
  },
]

const process: readonly Alert[] = [
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

const drifted = 'meshwork_inference_drifted_features{job="inference",instance="a",model="flight-delay",version="1"}'

const endedOf = (reason: string): string =>
  `meshwork_inference_processes_ended_total{job="inference",instance="a",model="seed",version="2",reason="${reason}"}`

const models: readonly Alert[] = [
  {
    name: 'MeshworkModelDrifts',
    severity: 'warning',
    expr: 'max by (namespace, model, version) (meshwork_inference_drifted_features) > 0',
    for: '30m',
    summary: 'Model {{ $labels.model }} sees other data than it was trained on.',
    description:
      '{{ $value | humanize }} of its features, or of its answers, have moved further than chance explains, in the window that was closed last.',
    fires: { series: { [drifted]: '0x10 2x60' }, at: '45m' },
    silent: { series: { [drifted]: '0x10 2x20 0x60' }, at: '60m' },
  },
  {
    name: 'MeshworkModelDies',
    severity: 'warning',
    expr: 'sum by (namespace, model, version, reason) (increase(meshwork_inference_processes_ended_total[15m])) > 2',
    for: '0m',
    summary: 'Processes of model {{ $labels.model }} end again and again.',
    description: '{{ $value | humanize }} of version {{ $labels.version }} {{ $labels.reason }} within 15 minutes.',
    fires: { series: { [endedOf('hung')]: '0+1x30' }, at: '20m' },
    silent: { series: { [endedOf('died')]: '0x5 1x5 2x30' }, at: '20m' },
  },
]

const database: readonly Alert[] = [
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

export const symptoms: readonly Alert[] = [...away, ...queue, ...promises, ...store, ...process, ...models, ...database]
