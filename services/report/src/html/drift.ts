// How far what a model was given lies from its training, feature by feature, those that moved most first.

import type { DriftFeature, DriftReport } from '@meshwork/contracts'
import { type Content, html, type Markup } from './markup.ts'
import { count, fixed, percent } from './number.ts'

const featuresShownMax = 100
const barsMax = 40
const barHeight = 28
const barWidth = 7

export function driftBlock(drift: DriftReport): Content {
  const shown = drift.features.slice(0, featuresShownMax)
  const rest =
    drift.features.length > shown.length
      ? ` ${count(drift.features.length - shown.length)} more are in report.json.`
      : ''
  return [
    html`<p class="verdict">${inWords(drift)}</p>`,
    html`<div class="scroll" tabindex="0" role="region" aria-label="Drift"><table>
<caption>${count(drift.rows)} rows looked at, against ${count(drift.referenceRows)} of the training of ${drift.model}, version ${drift.version}. Dark bars are these rows, light ones the training.${rest}</caption>
<thead><tr><th scope="col">Feature</th><th scope="col" class="n" title="Population stability index: 0 where nothing changed">PSI</th><th scope="col" class="n" title="Above this it is more than chance, and more than 0.1">Threshold</th><th scope="col" class="n">NaN</th><th scope="col" class="n">Unseen</th><th scope="col">Steady</th><th scope="col">How it lies</th></tr></thead>
<tbody>${shown.map(row)}</tbody></table></div>`,
  ]
}

function inWords({ verdict, drifted, features, model }: DriftReport): string {
  if (verdict === 'too-few') return 'There are too few rows to say whether anything moved.'
  if (verdict === 'steady') return `What ${model} was given and what it answered lie as they did in training.`
  return `${count(drifted.length)} of ${count(features.length)} features have moved since ${model} was trained: ${drifted.slice(0, 5).join(', ')}${drifted.length > 5 ? ' …' : ''}. Look at them before its answers are trusted.`
}

const marks = { steady: ['good', '✓ yes'], drifted: ['bad', '✗ no'], 'too-few': ['', 'too few rows'] } as const

const row = (feature: DriftFeature): Markup => {
  const [kind, word] = marks[feature.verdict]
  return html`<tr><th scope="row">${feature.name}${feature.side === 'output' ? html`<span class="null"> answer</span>` : null}</th><td class="n">${fixed(feature.psi, 3)}</td><td class="n">${fixed(feature.threshold, 3)}</td><td class="n">${percent(feature.missing)}</td><td class="n">${percent(feature.unseen)}</td><td class="${kind}">${word}</td><td>${bars(feature)}</td></tr>\n`
}

function bars({ name, bins }: DriftFeature): Markup {
  const shown = bins.slice(0, barsMax)
  const largest = Math.max(...shown.flatMap(({ share, reference }) => [share, reference]), Number.MIN_VALUE)
  const bar = (value: number, i: number, offset: number, kind: string) => {
    const height = Math.max(value > 0 ? 1 : 0, (value / largest) * barHeight)
    return html`<rect x="${String(i * 2 * (barWidth + 1) + offset)}" y="${(barHeight - height).toFixed(1)}" width="${String(barWidth)}" height="${height.toFixed(1)}" class="${kind}"/>`
  }
  const width = String(shown.length * 2 * (barWidth + 1))
  return html`<svg width="${width}" height="${String(barHeight)}" viewBox="0 0 ${width} ${String(barHeight)}" role="img" aria-label="Shares of ${name} by bin">${shown.map(
    ({ bin, share, reference }, i) =>
      html`<g><title>${bin}: ${percent(share)}, in training ${percent(reference)}</title>${bar(reference, i, 0, 'then')}${bar(share, i, barWidth, 'now')}</g>`,
  )}</svg>`
}
