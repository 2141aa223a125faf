import { Counter, type Registry } from 'prom-client'

export const createFeatureMetrics = (registry: Registry) => ({
  restarts: new Counter({
    name: 'meshwork_inference_feature_worker_restarts_total',
    help: 'Processes that made features and ended, by reason.',
    labelNames: ['stage', 'reason'],
    registers: [registry],
  }),
})
