import { Counter, Histogram, type Registry } from 'prom-client'
import type { ShadowObserver } from './shadow.ts'

const labelNames = ['model', 'version', 'shadow'] as const
const differences = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000]

export function createShadowMetrics(registry?: Registry): ShadowObserver {
  const registers = registry ? [registry] : []
  const requests = new Counter({
    name: 'meshwork_inference_shadow_requests_total',
    help: 'Requests that a shadow version was to answer as well: compared, failed, or dropped for want of room.',
    labelNames: [...labelNames, 'result'],
    registers,
  })
  const rows = new Counter({
    name: 'meshwork_inference_shadow_rows_total',
    help: 'Rows that both versions answered, by whether the answers agree.',
    labelNames: [...labelNames, 'agreed'],
    registers,
  })
  const difference = new Histogram({
    name: 'meshwork_inference_shadow_difference',
    help: 'Largest difference of two numbers in the answers to one request.',
    labelNames,
    buckets: differences,
    registers,
  })
  return {
    compared: (labels, count, agreed, apart) => {
      const of = { ...labels }
      requests.inc({ ...of, result: 'compared' })
      rows.inc({ ...of, agreed: 'yes' }, agreed)
      rows.inc({ ...of, agreed: 'no' }, count - agreed)
      difference.observe(of, apart)
    },
    missed: (labels, result) => requests.inc({ ...labels, result }),
  }
}
