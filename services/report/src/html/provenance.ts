import type { ArtefactRef, JsonValue, RunContext } from '@meshwork/contracts'
import { type Content, html, type Markup } from './markup.ts'
import { count, duration } from './number.ts'

const parameterLengthMax = 300
const stepsInPathMax = 12

export const moment = (iso: string): string => iso.replace('T', ' ').replace(/(:\d\d)(\.\d+)?Z$/, '$1 UTC')

/** Where it came from, in one line: what each step left. */
export function pathLine({ steps }: RunContext): Content {
  if (steps.length === 0) return null
  const shown = steps.slice(0, stepsInPathMax)
  const rest = steps.length - shown.length
  return html`<ol class="path" aria-label="Where it came from">${shown.map(({ name, rows }) => html`<li><b>${name}</b>${rows === null ? '' : html` <span>${count(rows)} rows</span>`}</li>`)}${rest > 0 ? html`<li>and ${rest} more</li>` : ''}</ol>`
}

export function provenanceBlock(run: RunContext): Content {
  const parameters = Object.entries(run.params)
  return [
    html`<h2 id="provenance">Where it came from</h2>
<div class="scroll"><table><caption>The run.</caption><tbody>
<tr><th scope="row">Run</th><td class="hash">${run.id}</td></tr>
<tr><th scope="row">Workflow</th><td>${run.workflow}, version ${run.version}</td></tr>
<tr><th scope="row">Started</th><td><time datetime="${run.startedAt}">${moment(run.startedAt)}</time></td></tr></tbody></table></div>`,
    html`<div class="scroll" tabindex="0" role="region" aria-label="Steps"><table><caption>${count(run.steps.length)} steps. The same hash is the same data; hold the pointer over one to see all of it.</caption>
<thead><tr><th scope="col">Step</th><th scope="col">Stage</th><th scope="col">Version</th><th scope="col" class="n">Rows</th><th scope="col" class="n">Time</th><th scope="col">Input</th><th scope="col">Output</th></tr></thead>
<tbody>${run.steps.map(step => html`<tr><th scope="row">${step.name}</th><td>${step.stage}</td><td>${step.version}</td><td class="n">${step.rows === null ? '–' : count(step.rows)}</td><td class="n">${step.seconds === null ? '–' : duration(step.seconds)}</td><td>${hash(step.inputHash)}</td><td>${hash(step.outputHash)}</td></tr>\n`)}</tbody></table></div>`,
    parameters.length === 0
      ? null
      : html`<div class="scroll"><table><caption>Parameters of the run.</caption>
<thead><tr><th scope="col">Parameter</th><th scope="col">Value</th></tr></thead>
<tbody>${parameters.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${parameter(value)}</td></tr>\n`)}</tbody></table></div>`,
  ]
}

export function exportsBlock(exports: Readonly<Record<string, ArtefactRef>>): Content {
  const entries = Object.entries(exports)
  if (entries.length === 0) return null
  return html`<h2>Files</h2><div class="scroll"><table><caption>Exports of this run, in the artefact store.</caption>
<thead><tr><th scope="col">File</th><th scope="col">Type</th><th scope="col" class="n">Bytes</th><th scope="col">Artefact</th></tr></thead>
<tbody>${entries.map(([name, ref]) => html`<tr><th scope="row">${name}</th><td>${ref.mediaType}</td><td class="n">${count(ref.bytes)}</td><td>${hash(ref.hash)}</td></tr>\n`)}</tbody></table></div>`
}

const hash = (value: string | null): Content =>
  value === null ? '–' : html`<span class="hash" title="${value}">${value.slice(0, 10)}</span>`

/** References are shown by their hash, other values as they are. */
function parameter(value: JsonValue): Markup {
  if (typeof value === 'string') return html`${cut(value)}`
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && typeof value['hash'] === 'string')
    return html`${typeof value['kind'] === 'string' ? value['kind'] : 'reference'} ${typeof value['name'] === 'string' ? value['name'] : ''} ${hash(value['hash'])}`
  return html`<span class="hash">${cut(JSON.stringify(value))}</span>`
}

const cut = (text: string) => (text.length > parameterLengthMax ? `${text.slice(0, parameterLengthMax)}…` : text)
