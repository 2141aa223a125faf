import type { Evaluation } from '@meshwork/contracts'
import { draw } from '../chart/draw.ts'
import { unitOption } from '../chart/option.ts'
import { explain, inOrder, metricName, metricValue, verdict } from '../explain.ts'
import { type Content, html, type Markup } from './markup.ts'
import { count, percent, written } from './number.ts'
import { nullMark } from './table.ts'

const labelsShownMax = 12
const slicesShownMax = 10
const brokenShownMax = 50

export function evaluationBlock(evaluation: Evaluation, id: string): Content {
  return [
    html`<p class="verdict">${verdict(evaluation)}</p>`,
    html`<div class="pair">${metricTable(evaluation)}<div>${confusionTable(evaluation)}${gateTable(evaluation)}</div></div>`,
    curves(evaluation, id),
    classTable(evaluation),
    sliceTables(evaluation),
  ]
}

const metricTable = (evaluation: Evaluation): Markup => html`<div class="scroll"><table>
<caption>How good it is, over all ${count(evaluation.rows)} rows judged.</caption>
<thead><tr><th scope="col">Metric</th><th scope="col" class="n">Figure</th><th scope="col">What it says</th></tr></thead>
<tbody>${explain(evaluation).map(({ name, value, meaning }) => html`<tr><th scope="row">${name}</th><td class="n">${value}</td><td class="meaning">${meaning}</td></tr>\n`)}</tbody></table></div>`

function confusionTable({ confusion, rows }: Evaluation): Content {
  if (!confusion || rows === 0) return null
  const { labels, counts } = confusion
  if (labels.length > labelsShownMax)
    return html`<p class="meaning">The confusion matrix of ${labels.length} classes is in report.json.</p>`
  const cell = (value: number, row: readonly number[], right: boolean) => {
    const whole = row.reduce((a, b) => a + b, 0)
    const share = whole === 0 ? 0 : value / whole
    return html`<td style="background:rgba(var(--shade),${(0.06 + 0.34 * share).toFixed(2)})"><b>${count(value)}</b><span>${percent(share)} of the row${right ? ', right' : ''}</span></td>`
  }
  return html`<div class="scroll"><table class="confusion">
<caption>What was true (rows) and what was predicted (columns).</caption>
<thead><tr><th scope="col">True</th>${labels.map(label => html`<th scope="col" class="n">→ ${label}</th>`)}</tr></thead>
<tbody>${counts.map((row, i) => html`<tr><th scope="row">${labels[i]}</th>${row.map((value, j) => cell(value, row, i === j))}</tr>\n`)}</tbody></table></div>`
}

function gateTable({ gates }: Evaluation): Content {
  if (gates.length === 0) return null
  const bounds = (min: number | null, max: number | null) =>
    [min === null ? '' : `at least ${written(min)}`, max === null ? '' : `at most ${written(max)}`]
      .filter(Boolean)
      .join(', ')
  const shown = [
    ...gates.filter(({ passed }) => !passed).slice(0, brokenShownMax),
    ...gates.filter(({ passed }) => passed),
  ].slice(0, 2 * brokenShownMax)
  return html`<h3>Bounds it is held to</h3><div class="scroll"><table class="gates">
<caption>${count(gates.filter(({ passed }) => passed).length)} of ${count(gates.length)} held.</caption>
<thead><tr><th scope="col">Metric</th><th scope="col">Over</th><th scope="col" class="n">Figure</th><th scope="col">Bound</th><th scope="col">Held</th></tr></thead>
<tbody>${shown.map(({ metric, slice, value, min, max, passed }) => html`<tr><th scope="row">${metricName(metric)}</th><td>${slice ?? 'all rows'}</td><td class="n">${metricValue(metric, value)}</td><td>${bounds(min, max)}</td><td class="${passed ? 'good' : 'bad'}">${passed ? '✓ yes' : '✗ no'}</td></tr>\n`)}</tbody></table></div>`
}

function curves({ roc, precisionRecall, calibration, metrics }: Evaluation, id: string): Content {
  const size = { width: 340, height: 300 }
  const base = metrics['baseRate'] ?? 0
  const figure = (title: string, note: string, drawing: Markup) =>
    html`<figure><figcaption>${title}<small>${note}</small></figcaption>${drawing}</figure>`
  const diagonal = [
    { x: 0, y: 0 },
    { x: 1, y: 1 },
  ]
  const drawn = [
    roc &&
      figure(
        'ROC curve',
        'Further up and left is better; dashed is chance.',
        draw({
          ...size,
          id: `${id}-roc`,
          label: `ROC curve: recall against the share of negatives called positive; area ${metricValue('rocAuc', metrics['rocAuc'])}`,
          option: unitOption({ x: 'negatives called positive', y: 'positives found' }, roc, diagonal),
        }),
      ),
    precisionRecall &&
      figure(
        'Precision and recall',
        'Further up and right is better; dashed is chance.',
        draw({
          ...size,
          id: `${id}-pr`,
          label: `Precision against recall; area ${metricValue('prAuc', metrics['prAuc'])}`,
          option: unitOption({ x: 'recall', y: 'precision' }, precisionRecall, [
            { x: 0, y: base },
            { x: 1, y: base },
          ]),
        }),
      ),
    calibration &&
      calibration.length > 0 &&
      figure(
        'Calibration',
        'On the dashed line, 30 % means 30 %.',
        draw({
          ...size,
          id: `${id}-cal`,
          label: `Calibration: observed share against predicted probability in ${calibration.length} bins`,
          option: unitOption(
            { x: 'predicted probability', y: 'observed share' },
            calibration.map(({ predicted, observed }) => ({ x: predicted, y: observed })),
            diagonal,
            true,
          ),
        }),
      ),
  ].filter(each => each instanceof Object)
  return drawn.length === 0 ? null : html`<div class="curves">${drawn}</div>`
}

function classTable({ classes }: Evaluation): Content {
  if (!classes) return null
  const entries = Object.entries(classes).slice(0, 256)
  return html`<h3>By class</h3><div class="scroll"><table><caption>${count(entries.length)} classes.</caption>
<thead><tr><th scope="col">Class</th><th scope="col" class="n">Rows</th>${['precision', 'recall', 'f1'].map(metric => html`<th scope="col" class="n">${metricName(metric)}</th>`)}</tr></thead>
<tbody>${entries.map(([label, metrics]) => html`<tr><th scope="row">${label}</th>${['rows', 'precision', 'recall', 'f1'].map(metric => html`<td class="n">${metricValue(metric, metrics[metric])}</td>`)}</tr>\n`)}</tbody></table></div>`
}

type Slice = Evaluation['slices'][number]

function sliceTables({ slices, metrics, rows }: Evaluation): Content {
  const by = [...new Set(slices.map(slice => slice.by))]
  const shownMetrics = [
    'baseRate',
    'accuracy',
    'precision',
    'recall',
    'rocAuc',
    'logLoss',
    'f1',
    'mae',
    'rmse',
    'r2',
    'meanError',
  ]
    .filter(metric => inOrder(metrics).includes(metric))
    .slice(0, 6)
  const judge = ['rocAuc', 'f1', 'mae'].find(metric => metrics[metric] !== undefined) ?? 'accuracy'
  return by.map(name => {
    const all = slices.filter(slice => slice.by === name)
    const worst = [...all].sort(worstFirst(judge)).slice(0, slicesShownMax)
    const rest =
      all.length > worst.length
        ? ` The ${count(worst.length)} worst of the ${count(all.length)} largest; all are in report.json.`
        : ''
    return html`<h3>By ${name}</h3><div class="scroll"><table>
<caption>Worst first, by ${metricName(judge)}.${rest}</caption>
<thead><tr><th scope="col">${name}</th><th scope="col" class="n">Rows</th>${shownMetrics.map(metric => html`<th scope="col" class="n">${metricName(metric)}</th>`)}</tr></thead>
<tbody>${worst.map(slice => html`<tr><th scope="row">${slice.value === null ? nullMark : slice.value}</th><td class="n">${count(slice.rows)}</td>${shownMetrics.map(metric => html`<td class="n">${metricValue(metric, slice.metrics[metric])}</td>`)}</tr>\n`)}
<tr><th scope="row">all rows</th><td class="n">${count(rows)}</td>${shownMetrics.map(metric => html`<td class="n">${metricValue(metric, metrics[metric])}</td>`)}</tr></tbody></table></div>`
  })
}

/** Slices for which the metric is not defined come last. */
function worstFirst(metric: string) {
  const sign = metric === 'mae' ? -1 : 1
  return (a: Slice, b: Slice) => {
    const [x, y] = [a.metrics[metric] ?? null, b.metrics[metric] ?? null]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    return sign * (x - y)
  }
}
