import {
  canonicalJson,
  type DatasetRef,
  MeshError,
  type ReportInput,
  ReportInput as Input,
  ReportOutput,
} from '@meshwork/contracts'
import { defineStage, type StageContext } from '@meshwork/kit'
import { keyFigures } from './explain.ts'
import { writeExports } from './exports.ts'
import { page } from './html/page.ts'
import { plan } from './plan.ts'
import type { FigureModel, ReportModel, SectionModel } from './model.ts'
import { readSection } from './section.ts'

const cellsMax = 100_000

export const stage = defineStage({
  name: 'report',
  version: '1.1.0',
  summary:
    'Tells a run as one HTML page that needs no network: key figures, tables, charts, evaluation and provenance.',
  input: Input,
  output: ReportOutput,
  isolation: 'process',
  plan,
  run: async (input, context) => {
    const datasets = datasetsOf(input)
    const tables = datasets.length > 0 ? await context.tables(...datasets) : undefined
    const sections: SectionModel[] = []
    let cells = 0
    for (const section of input.sections) {
      context.signal.throwIfAborted()
      const read = await readSection(tables, context.store, section)
      cells += (read.table?.rows.length ?? 0) * (read.table?.columns.length ?? 0)
      if (cells > cellsMax) throw new MeshError('MESHWORK_REPORT_TOO_LARGE', { cells, max: cellsMax })
      sections.push(read)
      context.progress((0.7 * sections.length) / input.sections.length, { message: 'reading' })
    }
    const exports = await writeExports(tables, context, input.exports ?? {})
    context.progress(0.9, { message: 'writing' })
    const model: ReportModel = {
      schema: 'meshwork.report/1',
      title: input.title,
      summary: input.summary ?? null,
      figures: figuresOf(input, sections),
      sections,
      provenance: input.provenance ?? null,
      exports,
    }
    const report = await put(context, page(model), 'text/html', 'report.html')
    const json = await put(context, canonicalJson(model), 'application/json', 'report.json')
    context.progress(1)
    return { report, json, exports, sections: sections.length }
  },
})

function datasetsOf({ sections, exports }: ReportInput): DatasetRef[] {
  const named = [
    ...sections.flatMap(({ dataset }) => dataset ?? []),
    ...Object.values(exports ?? {}).map(({ dataset }) => dataset),
  ]
  return [...new Map(named.map(dataset => [dataset.hash, dataset])).values()]
}

function figuresOf({ figures }: ReportInput, sections: readonly SectionModel[]): FigureModel[] {
  const first = sections.find(({ evaluation }) => evaluation !== null)?.evaluation
  return [
    ...(figures ?? []).map(figure => ({ ...figure, note: figure.note ?? null })),
    ...(first ? keyFigures(first) : []),
  ]
}

async function put(context: StageContext, content: string, mediaType: string, name: string) {
  return {
    kind: 'artefact' as const,
    ...(await context.store.put(content, { signal: context.signal })),
    mediaType,
    name,
  }
}
