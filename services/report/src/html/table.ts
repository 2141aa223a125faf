import { type ColumnType } from '@meshwork/contracts'
import { isNumeric } from '@meshwork/kit'
import type { Cell, TableModel } from '../model.ts'
import { html, type Markup } from './markup.ts'
import { count, decimalsOf, fixed, plain } from './number.ts'

export const nullMark = html`<span class="null">null</span>`

/** The first rows of a dataset. Numbers of a column have the same decimals; the exact value is in the cell's title. */
export function dataTable({ columns, rows, totalRows, moreColumns }: TableModel): Markup {
  const parts = [
    totalRows > rows.length
      ? `The first ${count(rows.length)} of ${count(totalRows)} rows`
      : `${count(totalRows)} ${totalRows === 1 ? 'row' : 'rows'}`,
    ...(moreColumns > 0 ? [`${count(moreColumns)} more columns are not shown`] : []),
  ]
  const cells = columns.map(({ type }, i) =>
    formatOf(
      type,
      rows.map(row => row[i] ?? null),
    ),
  )
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>
<caption>${parts.join('; ')}.</caption>
<thead><tr>${columns.map(({ name, type }) => (isNumeric(type) ? html`<th scope="col" class="n">${name}</th>` : html`<th scope="col">${name}</th>`))}</tr></thead>
<tbody>${rows.map(row => html`<tr>${row.map((value, i) => cells[i]?.(value))}</tr>\n`)}</tbody></table></div>`
}

function formatOf(type: ColumnType, values: readonly Cell[]): (value: Cell) => Markup {
  if (!isNumeric(type)) return value => html`<td>${value === null ? nullMark : textOf(type, value)}</td>`
  const numbers = values.filter(value => typeof value === 'number')
  const decimals = decimalsOf(numbers)
  const grouping = numbers.some(value => Math.abs(value) >= 10_000) ? 'grouped' : 'plain'
  return value => {
    if (value === null) return html`<td class="n">${nullMark}</td>`
    if (typeof value !== 'number') return html`<td class="n">${String(value)}</td>`
    const shown =
      decimals === 0
        ? count(value, grouping)
        : value !== 0 && Math.abs(value) < 10 ** -decimals
          ? plain(value)
          : fixed(value, decimals)
    return Number.isInteger(value)
      ? html`<td class="n">${shown}</td>`
      : html`<td class="n" title="${String(value)}">${shown}</td>`
  }
}

function textOf(type: ColumnType, value: Cell): string {
  const text = String(value)
  if (type === 'timestamp' || type === 'timestamptz') return text.replace(/:00(\+00)?$/, '').replace(/ 00:00$/, '')
  return text
}
