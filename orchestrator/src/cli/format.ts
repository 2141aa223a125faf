// Diagnostics as text for people, as annotations of GitHub, as JSON, and as SARIF 2.1.0. Pure.

import type { Diagnostic, Validation } from '@meshwork/contracts'

export const formats = ['text', 'github', 'json', 'sarif'] as const
export type Format = (typeof formats)[number]
export const isFormat = (name: string): name is Format => (formats as readonly string[]).includes(name)

export interface Checked {
  readonly file: string
  readonly source: string
  readonly validation: Validation
}

export function render(format: Format, checked: readonly Checked[]): string {
  switch (format) {
    case 'text':
      return checked.map(asText).join('\n')
    case 'github':
      return checked
        .flatMap(({ file, validation }) => validation.diagnostics.map(each => annotation(file, each)))
        .join('\n')
    case 'json':
      return JSON.stringify(
        checked.map(({ file, validation }) => ({ file, ...validation })),
        null,
        2,
      )
    case 'sarif':
      return JSON.stringify(sarif(checked), null, 2)
  }
}

function asText({ file, source, validation }: Checked): string {
  const lines = source.split('\n')
  const told = validation.diagnostics.flatMap(diagnostic => [...diagnosticText(file, lines, diagnostic), ''])
  const count = (severity: string) => validation.diagnostics.filter(each => each.severity === severity).length
  const [errors, warnings] = [count('error'), count('warning')]
  const columns =
    validation.columns === 'checked'
      ? 'columns checked'
      : validation.columns === 'partly'
        ? 'columns partly checked'
        : 'columns not checked'
  const verdict = validation.valid ? 'is right' : 'would fail'
  return [...told, `${file} ${verdict}: ${plural(errors, 'error')}, ${plural(warnings, 'warning')}, ${columns}`].join(
    '\n',
  )
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

function diagnosticText(file: string, lines: readonly string[], diagnostic: Diagnostic): string[] {
  const { severity, code, message, line, column, related } = diagnostic
  const text = (lines[line - 1] ?? '').replaceAll('\t', ' ')
  const margin = String(line).length
  return [
    `${file}:${line}:${column} ${severity} ${code}`,
    `  ${message}`,
    `  ${line} | ${text}`,
    `  ${' '.repeat(margin)} | ${' '.repeat(Math.max(0, column - 1))}^`,
    ...(related ? [`  ${file}:${related.line}:${related.column} ${related.message}`] : []),
  ]
}

/** https://docs.github.com/actions/reference/workflow-commands */
function annotation(file: string, { severity, code, message, line, column }: Diagnostic): string {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
  return `::${severity} file=${property(file)},line=${line},col=${column},title=${property(code)}::${data(message)}`
}

function sarif(checked: readonly Checked[]): object {
  const all = checked.flatMap(({ file, validation }) =>
    validation.diagnostics.map(diagnostic => ({ file, diagnostic })),
  )
  const rules = [...new Set(all.map(({ diagnostic }) => diagnostic.code))].map(id => ({ id }))
  const place = (file: string, line: number, column: number) => ({
    physicalLocation: {
      artifactLocation: { uri: file.replaceAll('\\', '/') },
      region: { startLine: line, startColumn: column },
    },
  })
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'meshwork', rules } },
        columnKind: 'utf16CodeUnits',
        results: all.map(({ file, diagnostic: { severity, code, message, line, column, related } }) => ({
          ruleId: code,
          level: severity,
          message: { text: message },
          locations: [place(file, line, column)],
          ...(related && {
            relatedLocations: [{ ...place(file, related.line, related.column), message: { text: related.message } }],
          }),
        })),
      },
    ],
  }
}
