import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type InferenceMetrics = ReturnType<typeof createInferenceMetrics>

/** `model` and `version` come from the repository, so their number is bounded by it. */
export function createInferenceMetrics(registry: Registry = new Registry()) {
  const registers = [registry]
  const labelNames = ['model', 'version'] as const
  return {
    rows: new Counter({
      name: 'meshwork_inference_rows_total',
      help: 'Rows that went through a model.',
      labelNames,
      registers,
    }),
    seconds: new Histogram({
      name: 'meshwork_inference_batch_duration_seconds',
      help: 'Time of a batch in its worker, waiting not included.',
      labelNames,
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    processesEnded: new Counter({
      name: 'meshwork_inference_processes_ended_total',
      help: 'Processes of models that run in their own: ended because a run took too long (hung), or by themselves (died).',
      labelNames: [...labelNames, 'reason'],
      registers,
    }),
    loaded: new Gauge({ name: 'meshwork_inference_models_loaded', help: 'Models that are loaded.', registers }),
  }
}
