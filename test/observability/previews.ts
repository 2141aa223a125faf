// Pictures of the dashboards from what Prometheus has seen.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { boards } from '../../observability/dashboards/all.ts'
import type { Panel, Query } from '../../observability/dashboards/board.ts'
import { previewSvg, type Series } from '../../observability/preview/svg.ts'
import { withoutVariables } from '../../observability/promql/selectors.ts'
import type { Sample, Watch } from './watch.ts'

const stepSeconds = 6

export async function writePreviews(watch: Watch, folder: string, overSeconds: number): Promise<number> {
  await mkdir(folder, { recursive: true })
  for (const board of boards) {
    const seen = new Map<Panel, readonly Series[]>()
    for (const panel of board.rows.flatMap(row => row.panels))
      seen.set(panel, await seriesOf(watch, panel, overSeconds))
    await writeFile(
      join(folder, `${board.uid}.svg`),
      previewSvg(board, panel => seen.get(panel) ?? []),
    )
  }
  return boards.length
}

async function seriesOf(watch: Watch, panel: Panel, overSeconds: number): Promise<Series[]> {
  const found: Series[] = []
  for (const query of panel.queries) {
    const window = panel.kind === 'table' ? undefined : overSeconds
    const samples = await watch.query(withoutVariables(query.expr, '30s'), window, stepSeconds)
    found.push(...samples.map(sample => ({ name: nameOf(panel, query, sample), points: pointsOf(sample) })))
  }
  return found
}

function nameOf({ kind }: Panel, { legend }: Query, { metric }: Sample): string {
  if (kind === 'table') return `${Object.values(metric).join('  ')}  ${legend}`
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '').trim()
}

const pointsOf = ({ value, values = value === undefined ? [] : [value] }: Sample): Series['points'] =>
  values.map(([time, text]) => [time, Number(text)] as const)
