// Models that are no longer what they were.

import type { Alert } from '../rule.ts'

const drifted = 'meshwork_inference_drifted_features{job="inference",instance="a",model="flight-delay",version="1"}'

const endedOf = (reason: string): string =>
  `meshwork_inference_processes_ended_total{job="inference",instance="a",model="seed",version="2",reason="${reason}"}`

export const models: readonly Alert[] = [
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
