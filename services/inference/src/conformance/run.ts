import { type Check, checks } from './checks.ts'
import { clientOf } from './client.ts'
import { findSubject } from './model.ts'

export interface Finding {
  readonly what: string
  readonly kind: 'kept' | 'broken' | 'not claimed'
  readonly why: string
}
export interface Report {
  readonly server: string
  readonly model: string
  readonly findings: readonly Finding[]
}

/** Checks a server with one of its models. Throws a TypeError where there is nothing to check with. */
export async function checkServer(url: string, model?: string): Promise<Report> {
  const ask = clientOf(url)
  const { json } = await ask('/v2')
  const extensions = new Set(Array.isArray(json?.['extensions']) ? json['extensions'].map(String) : [])
  const subject = await findSubject(ask, model)
  const findings: Finding[] = []
  for (const check of checks) findings.push(await found(check))
  return { server: `${String(json?.['name'])} ${String(json?.['version'])}`, model: subject.name, findings }

  async function found({ what, extension, run }: Check): Promise<Finding> {
    if (extension !== undefined && !extensions.has(extension)) return { what, kind: 'not claimed', why: extension }
    try {
      const wrong = await run(ask, subject)
      return { what, kind: wrong === undefined ? 'kept' : 'broken', why: wrong ?? '' }
    } catch (error) {
      const { message, cause } = error as Error
      return { what, kind: 'broken', why: cause instanceof Error ? `${message}: ${cause.message}` : message }
    }
  }
}

export function shownReport({ server, model, findings }: Report): string {
  const lines = findings.map(({ what, kind, why }) => `  ${kind.padEnd(12)} ${what}${why === '' ? '' : `: ${why}`}`)
  const broken = findings.filter(({ kind }) => kind === 'broken').length
  return [`${server}, model ${model}`, '', ...lines, '', `${findings.length} checks, ${broken} broken`].join('\n')
}
