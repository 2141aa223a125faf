// Every metric that the services export, from the classes and functions with which they make them.

import { Registry } from 'prom-client'
import { createGatewayMetrics } from '../../gateway/src/metrics.ts'
import { DatabaseMetrics } from '../../orchestrator/src/telemetry/database-metrics.ts'
import { watchStageCalls } from '../../orchestrator/src/telemetry/stage-calls.ts'
import { watchDeployments } from '../../orchestrator/src/telemetry/deployments.ts'
import { EngineMetrics } from '../../orchestrator/src/telemetry/metrics.ts'
import { watchRuns } from '../../orchestrator/src/telemetry/run-census.ts'
import { createInferenceMetrics } from '../../services/inference/src/metrics.ts'
import { createFeatureMetrics } from '../../services/inference/src/online/metrics.ts'
import { QualityBook } from '../../services/inference/src/quality/book.ts'
import { qualityMetrics } from '../../services/inference/src/quality/metrics.ts'
import { createShadowMetrics } from '../../services/inference/src/traffic/metrics.ts'
import { createServingMetrics } from '../../services/inference/src/serving/metrics.ts'
import { Limiter } from '../../services/kit/src/execute/limiter.ts'
import { createServiceMetrics } from '../../services/kit/src/telemetry/service-metrics.ts'
import { createStageMetrics } from '../../services/kit/src/telemetry/stage-metrics.ts'

export interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly help: string
  readonly labels: readonly string[]
}

/** Who exports it: every service, every stage, or one of them. */
export type Owner = 'every service' | 'stages' | 'inference' | 'orchestrator' | 'gateway'

export function catalogue(): ReadonlyMap<Owner, readonly Metric[]> {
  const every = createServiceMetrics('probe', '0').registry
  const stages = new Registry()
  createStageMetrics(stages, 'probe', new Limiter({ stage: 'probe', places: 1, waitingMax: 1 }), '/')
  const inference = new Registry()
  createInferenceMetrics(inference)
  createFeatureMetrics(inference)
  createShadowMetrics(inference)
  qualityMetrics(inference, new QualityBook({ windowLabels: 1, windowMs: 1, rememberBytes: 0 }))
  createServingMetrics(
    inference,
    () => [],
    () => ({ busy: 0, size: 1 }),
  )
  const orchestrator = new Registry()
  void new EngineMetrics(orchestrator)
  new DatabaseMetrics(orchestrator).watch({ pools: () => [] })
  watchRuns(orchestrator, async () => ({ statuses: [], queued: 0, queuedSeconds: 0, held: 0 }))
  watchDeployments(orchestrator, () => [])
  watchStageCalls(orchestrator, () => new Map())
  const gateway = new Registry()
  createGatewayMetrics(gateway)
  return new Map<Owner, readonly Metric[]>([
    ['every service', metricsOf(every)],
    ['stages', metricsOf(stages)],
    ['inference', metricsOf(inference)],
    ['orchestrator', metricsOf(orchestrator)],
    ['gateway', metricsOf(gateway)],
  ])
}

/** Names as they are scraped: a histogram has three. */
export function seriesNames({ name, kind }: Metric): readonly string[] {
  if (kind === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`]
  if (kind === 'summary') return [name, `${name}_sum`, `${name}_count`]
  return [name]
}

function metricsOf(registry: Registry): Metric[] {
  return registry
    .getMetricsAsArray()
    .map(metric => {
      // prom-client keeps them on the metric, and does not say so in its types
      const { labelNames } = metric as unknown as { labelNames: readonly string[] }
      const kind = String(metric.type) as Metric['kind']
      return { name: metric.name, kind, help: metric.help, labels: labelNames }
    })
    .sort((a, b) => a.name.localeCompare(b.name))
}
