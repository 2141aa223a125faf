// A workflow against the published contracts alone: no mesh, no network, no columns.

import { readdir, readFile } from 'node:fs/promises'
import type { Validation } from '@meshwork/contracts'
import { checkWorkflow, type KnownStage } from '../definition/check.ts'
import { readDocument } from '../definition/read.ts'
import { resolve, type Schema } from '../typing/schema.ts'
import type { StageContract } from '../typing/check-types.ts'

const published = new URL('../../../contracts/openapi/', import.meta.url)
const services = new Set(['gateway', 'orchestrator'])

export async function validateOffline(source: string): Promise<Validation> {
  const read = readDocument(source)
  if (read.kind === 'unreadable') {
    const diagnostics = read.items.map(({ code = 'syntax', detail, line = 1, column = 1 }) => ({
      severity: 'error' as const,
      code,
      message: detail.replace(/^line \d+, column \d+: /, ''),
      pointer: '',
      line,
      column,
    }))
    return { valid: false, columns: 'not-checked', diagnostics }
  }
  const { document, diagnostics } = checkWorkflow(read.document, await publishedStages(), false)
  return {
    valid: document !== undefined && diagnostics.every(({ severity }) => severity !== 'error'),
    ...(document && { name: document.name }),
    columns: 'not-checked',
    diagnostics: [...diagnostics],
  }
}

async function publishedStages(): Promise<KnownStage[]> {
  const stages = new Map<string, Map<number, StageContract>>()
  for (const file of await readdir(published)) {
    const [, stage = '', major] = /^(.+)\.v(\d+)\.json$/.exec(file) ?? []
    if (major === undefined || services.has(stage)) continue
    const document = JSON.parse(await readFile(new URL(file, published), 'utf8')) as Schema
    const contract = contractIn(document, `/v${major}/${stage}`)
    if (contract)
      stages.set(stage, (stages.get(stage) ?? new Map<number, StageContract>()).set(Number(major), contract))
  }
  return [...stages].map(([name, contracts]) => ({ name, majors: [...contracts.keys()], contracts }))
}

interface Operation {
  readonly requestBody: { readonly content: Record<string, { readonly schema: Schema }> }
  readonly responses: Record<string, { readonly content: Record<string, { readonly schema: Schema }> }>
}

/** Schemas of an operation, each with the components that its references lead to. */
function contractIn(document: Schema, path: string): StageContract | undefined {
  const { post } = ((document['paths'] ?? {}) as Record<string, { post?: Operation }>)[path] ?? {}
  const input = post?.requestBody.content['application/json']?.schema
  const output = post?.responses['200']?.content['application/json']?.schema
  if (!input || !output) return undefined
  const whole = (schema: Schema): Schema => {
    const target = schema.$ref === undefined ? schema : (resolve(schema.$ref, document) ?? {})
    return { ...target, components: document['components'] }
  }
  return { input: whole(input), output: whole(output) }
}
