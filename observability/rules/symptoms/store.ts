// The artefact store.

import { type Alert, grew } from '../rule.ts'

const stageCode = (code: string): string => `meshwork_stage_runs_total{code="${code}"}`
const failure = (code: string): string =>
  `meshwork_stage_runs_total{stage="clean",instance="a",result="failed",code="${code}"}`

export const store: readonly Alert[] = [
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
