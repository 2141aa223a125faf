// The objectives of the service and the alerts on them: multi-window, multi-burn-rate, as in chapter 5 of Google's SRE
// workbook. A burn rate of 1 uses up the budget of 30 days in 30 days. Expressions keep the namespace: two meshes of one
// cluster are two services. Where there are no namespaces it is empty.

import { errors } from '@meshwork/contracts'
import type { Alert, Recording } from './rule.ts'

export interface Objective {
  readonly slo: string
  readonly alert: string
  /** Share of events that are to be good. */
  readonly target: number
  /** What counts, in the words of a sentence: "runs". */
  readonly of: string
  readonly broken: string
  /** Events within a window, as an expression of increases. */
  readonly total: (window: string) => string
  readonly bad: (window: string) => string
  /** A series of all events and one of those that are bad, for the tests. */
  readonly series: readonly [total: string, bad: string]
  /** The second series of the test counts the good ones. */
  readonly countsGood?: boolean
}

export const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const
/** Fewer events than this within the long window tell nothing: one failure of three is no rate. */
const eventsMin = 20

/** Codes whose fault is not that of who asked. */
export const systemCodes = Object.entries(errors)
  .filter(([, { status }]) => status >= 500)
  .map(([code]) => code)
  .sort()
const faults = `code=~"${systemCodes.join('|')}"`

/** Requests of the inference protocol. Those that a client took back, or that were wrong, are nobody's fault. */
const answered = (window: string): string =>
  `sum by (namespace, model) (increase(meshwork_inference_request_duration_seconds_count[${window}]))`
const answeredInTime = (window: string): string =>
  `sum by (namespace, model) (increase(meshwork_inference_request_duration_seconds_bucket{le="1"}[${window}]))`
const failed = (window: string): string =>
  `sum by (namespace, model) (increase(meshwork_inference_request_failures_total{reason=~"rejected|backend"}[${window}]))`
/** The first, and nothing where only the other is. */
const either = (one: string, other: string): string => `(${one} or 0 * ${other})`

export const objectives: readonly Objective[] = [
  {
    slo: 'runs',
    alert: 'MeshworkRunsFail',
    target: 0.995,
    of: 'runs',
    broken: 'fail by the fault of the system',
    total: window => `sum by (namespace) (increase(meshwork_runs_total[${window}]))`,
    bad: window => `sum by (namespace) (increase(meshwork_runs_failed_total{fault="system"}[${window}]))`,
    series: ['meshwork_runs_total{result="succeeded"}', 'meshwork_runs_failed_total{fault="system"}'],
  },
  {
    slo: 'run-start',
    alert: 'MeshworkRunsStartLate',
    target: 0.99,
    of: 'runs',
    broken: 'wait longer than a second for their first call',
    total: window => `sum by (namespace) (increase(meshwork_run_first_step_seconds_count[${window}]))`,
    bad: window =>
      `sum by (namespace) (increase(meshwork_run_first_step_seconds_count[${window}])) - sum by (namespace) (increase(meshwork_run_first_step_seconds_bucket{le="1"}[${window}]))`,
    series: ['meshwork_run_first_step_seconds_count', 'meshwork_run_first_step_seconds_bucket{le="1"}'],
    countsGood: true,
  },
  {
    slo: 'stage-calls',
    alert: 'MeshworkStageFails',
    target: 0.99,
    of: 'calls of stage {{ $labels.stage }}',
    broken: 'fail by the fault of the system',
    total: window => `sum by (namespace, stage) (increase(meshwork_stage_runs_total[${window}]))`,
    bad: window =>
      `sum by (namespace, stage) (increase(meshwork_stage_runs_total{${faults}}[${window}])) or 0 * sum by (namespace, stage) (increase(meshwork_stage_runs_total[${window}]))`,
    series: [
      'meshwork_stage_runs_total{stage="clean",result="succeeded",code="ok"}',
      'meshwork_stage_runs_total{stage="clean",result="failed",code="MESHWORK_STAGE_CRASHED"}',
    ],
  },
  {
    slo: 'inference-latency',
    alert: 'MeshworkInferenceSlow',
    target: 0.99,
    of: 'batches of model {{ $labels.model }}',
    broken: 'take longer than a second',
    total: window => `sum by (namespace, model) (increase(meshwork_inference_batch_duration_seconds_count[${window}]))`,
    bad: window =>
      `sum by (namespace, model) (increase(meshwork_inference_batch_duration_seconds_count[${window}])) - sum by (namespace, model) (increase(meshwork_inference_batch_duration_seconds_bucket{le="1"}[${window}]))`,
    series: [
      'meshwork_inference_batch_duration_seconds_count{model="seed"}',
      'meshwork_inference_batch_duration_seconds_bucket{model="seed",le="1"}',
    ],
    countsGood: true,
  },
  {
    slo: 'inference-requests',
    alert: 'MeshworkInferenceFails',
    target: 0.99,
    of: 'requests to model {{ $labels.model }}',
    broken: 'are refused, fail or take longer than a second',
    total: window => `${either(answered(window), failed(window))} + ${either(failed(window), answered(window))}`,
    bad: window =>
      `${either(failed(window), answered(window))} + ${either(`(${answered(window)} - ${answeredInTime(window)})`, failed(window))}`,
    series: [
      'meshwork_inference_request_duration_seconds_count{model="seed"}',
      'meshwork_inference_request_failures_total{model="seed",reason="backend"}',
    ],
  },
  {
    slo: 'gateway',
    alert: 'MeshworkGatewayFails',
    target: 0.999,
    of: 'requests at the gateway',
    broken: 'are answered with an error of the system',
    total: window => `sum by (namespace) (increase(meshwork_gateway_upstream_duration_seconds_count[${window}]))`,
    bad: window =>
      `sum by (namespace) (increase(meshwork_gateway_upstream_duration_seconds_count{status=~"5xx|error"}[${window}])) or 0 * sum by (namespace) (increase(meshwork_gateway_upstream_duration_seconds_count[${window}]))`,
    series: [
      'meshwork_gateway_upstream_duration_seconds_count{service="orchestrator",status="2xx"}',
      'meshwork_gateway_upstream_duration_seconds_count{service="orchestrator",status="5xx"}',
    ],
  },
]

/** Those over long windows change slowly and cost more: they are computed less often. */
const longWindows: readonly string[] = ['6h', '1d', '3d']

const recordingsOver = (some: readonly string[]): Recording[] =>
  objectives.flatMap(of =>
    some.flatMap(window => [
      {
        record: `meshwork:slo_errors:ratio_rate${window}`,
        expr: `(${of.bad(window)}) / (${of.total(window)} > 0)`,
        labels: { slo: of.slo },
      },
      { record: `meshwork:slo_events:increase${window}`, expr: of.total(window), labels: { slo: of.slo } },
    ]),
  )

export const recordings: readonly Recording[] = [
  ...objectives.map(of => ({
    record: 'meshwork:slo_objective:ratio',
    expr: `vector(${of.target})`,
    labels: { slo: of.slo },
  })),
  ...recordingsOver(windows.filter(window => !longWindows.includes(window))),
]
export const longRecordings = recordingsOver(longWindows)

/** Burn rate, and the windows over which it has to hold: the long one for weight, the short one so that it clears. */
const pairs = {
  critical: [
    [14.4, '1h', '5m'],
    [6, '6h', '30m'],
  ],
  warning: [
    [3, '1d', '2h'],
    [1, '3d', '6h'],
  ],
} as const

const share = (ratio: number): string => `${Number((ratio * 100).toPrecision(6))} %`

export const sloAlerts: readonly Alert[] = objectives.flatMap(of =>
  (['critical', 'warning'] as const).map(severity => alertOn(of, severity)),
)

function alertOn(of: Objective, severity: 'critical' | 'warning'): Alert {
  const budget = Number((1 - of.target).toPrecision(6))
  const burns = pairs[severity].map(([rate, long, short]) => {
    const limit = Number((rate * budget).toPrecision(6))
    const over = (window: string) => `meshwork:slo_errors:ratio_rate${window}{slo="${of.slo}"} > ${limit}`
    return `(${over(long)} and ${over(short)} and meshwork:slo_events:increase${long}{slo="${of.slo}"} >= ${eventsMin})`
  })
  const [long] = pairs[severity].map(([, window]) => window)
  return {
    name: of.alert,
    severity,
    expr: burns.join(' or '),
    for: severity === 'critical' ? '2m' : '15m',
    summary: `Too many ${of.of} ${of.broken}.`,
    description: `{{ $value | humanizePercentage }} of the ${of.of} of the last ${long} ${of.broken}; ${share(of.target)} are to be good over 30 days. ${severity === 'critical' ? 'At this rate the budget is gone within days.' : 'The budget will not last.'}`,
    ...storiesOf(of, severity),
  }
}

/** Fires with a share of failures between the two limits for the mild form; is silent with one below the budget. */
function storiesOf(of: Objective, severity: 'critical' | 'warning'): Pick<Alert, 'fires' | 'silent'> {
  const [total, bad] = of.series
  const perMinute = 10_000
  const budget = 1 - of.target
  const story = (rate: number, at: string) => {
    const wrong = Math.min(Math.round(perMinute * budget * rate), perMinute)
    const second = of.countsGood ? perMinute - wrong : wrong
    return { series: { [total]: `0+${perMinute}x2000`, [bad]: `0+${second}x2000` }, at }
  }
  return severity === 'critical'
    ? { fires: story(20, '2h'), silent: story(4, '8h') }
    : { fires: story(4, '25h'), silent: story(0.5, '25h') }
}
