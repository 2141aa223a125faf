// HTML from templates. Every value is escaped unless it is markup already, so that nothing a user supplies is markup.

export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Content = Markup | string | number | null | undefined | readonly Content[]

/** Escapes for text and for quoted attributes. Characters that XML and HTML forbid become the replacement character. */
export const escape = (value: string): string =>
  value
    // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
    .replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.map((text, i) => text + (i < values.length ? render(values[i]) : '')).join(''))
}

/** Markup made elsewhere, such as a chart. Never of a user's text. */
export const trusted = (text: string): Markup => new Markup(text)

function render(value: Content): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'string') return escape(value)
  if (typeof value === 'number') return escape(String(value))
  return value.map(render).join('')
}
