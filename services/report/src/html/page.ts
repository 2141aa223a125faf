// The page: one file that needs nothing else, with no script. The key figures come first.

import { draw } from '../chart/draw.ts'
import { chartOption } from '../chart/option.ts'
import type { ChartModel, FigureModel, ReportModel, SectionModel } from '../model.ts'
import { driftBlock } from './drift.ts'
import { evaluationBlock } from './evaluation.ts'
import { type Content, html, type Markup, trusted } from './markup.ts'
import { count, plain } from './number.ts'
import { exportsBlock, moment, pathLine, provenanceBlock } from './provenance.ts'
import { style } from './style.ts'
import { dataTable } from './table.ts'

/** No script, no font, no image from anywhere: the page may be opened from any disk. */
export const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

export function page(report: ReportModel): string {
  const { provenance: run } = report
  const eyebrow = run
    ? `${run.workflow}, version ${run.version} · run ${run.id} · ${moment(run.startedAt)}`
    : 'Meshwork report'
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${trusted(contentSecurityPolicy)}"><meta name="generator" content="Meshwork">
<title>${report.title}</title><style>${trusted(style)}</style></head><body>
<header><p class="eyebrow">${eyebrow}</p><h1>${report.title}</h1>
${paragraphs(report.summary, 'summary')}
${figureList(report.figures)}
${run ? pathLine(run) : null}</header>
<main>${report.sections.map(section)}
${run ? provenanceBlock(run) : null}
${exportsBlock(report.exports)}</main>
<footer>Made by Meshwork. The same figures for machines are in report.json; this page needs no network.</footer>
</body></html>
`.text
}

const figureList = (figures: readonly FigureModel[]): Content =>
  figures.length === 0
    ? null
    : html`<dl class="figures">${figures.map(({ label, value, note }) => {
        const shown =
          value === null
            ? '–'
            : typeof value === 'number'
              ? Number.isInteger(value)
                ? count(value)
                : plain(value)
              : value
        return html`<div><dt>${label}</dt><dd class="${sizeOf(shown)}">${shown}${note === null ? '' : html`<small>${note}</small>`}</dd></div>\n`
      })}</dl>`

const sizeOf = (shown: string) => (shown.length > 14 ? 'words' : shown.length > 6 ? 'long' : 'short')

function section({ title, text, table, charts, evaluation, drift }: SectionModel, i: number): Markup {
  return html`<section aria-labelledby="s${i}"><h2 id="s${i}">${title}</h2>
${paragraphs(text)}
${evaluation ? evaluationBlock(evaluation, `s${i}`) : null}
${drift ? driftBlock(drift) : null}
${charts.map((chart, j) => figure(chart, `s${i}-${j}`))}
${table ? dataTable(table) : null}</section>
`
}

function figure(chart: ChartModel, id: string): Markup {
  const note = chart.note === null ? '' : html`<small>${chart.note}</small>`
  if (chart.x.length === 0)
    return html`<figure><figcaption>${chart.title}<small>There are no rows to draw.</small></figcaption></figure>`
  const height = chart.horizontal ? Math.max(200, 70 + chart.x.length * (10 + 12 * chart.series.length)) : 340
  const label = `${chart.type} chart: ${chart.title}; ${chart.series.map(({ name }) => name).join(', ')} by ${chart.xName}, ${chart.x.length} points`
  return html`<figure><figcaption>${chart.title}${note}</figcaption>${draw({ id, label, width: 960, height, option: chartOption(chart) })}</figure>`
}

const paragraphs = (text: string | null, kind = 'text'): Content =>
  text === null ? null : text.split(/\n\s*\n/).map(each => html`<p class="${kind}">${each}</p>`)
