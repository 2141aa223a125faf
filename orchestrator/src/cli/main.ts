#!/usr/bin/env node
// meshwork: workflows checked and planned from the command line, for an editor, a pre-commit hook or a build.

import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { JsonValue, Validation } from '@meshwork/contracts'
import { Asker, NotAsked } from './ask.ts'
import { formats, isFormat, render } from './format.ts'
import { validateOffline } from './offline.ts'
import { planText } from './plan-text.ts'

const usage = `meshwork validate FILE... [--url URL | --offline] [--format ${formats.join('|')}] [--strict]
meshwork plan FILE [--url URL] [--params FILE.json] [--format text|json|mermaid]

  validate   everything that is wrong with workflow files: names, types, edges, columns; exits 1 when a run would fail
  plan       what a run would do: order, versions, columns on each edge, what the cache would reuse
  --url      the mesh to ask (default: MESHWORK_URL, or http://127.0.0.1:8080)
  --offline  check against the published contracts only, without a mesh; columns are not checked
  --params   parameters of the run, as a JSON file
  --strict   warnings count as errors
`

class UsageError extends Error {}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof UsageError || error instanceof TypeError) console.error(`meshwork: ${error.message}\n\n${usage}`)
  else if (error instanceof NotAsked) console.error(`meshwork: ${error.message}`)
  else throw error
  process.exitCode = 2
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: process.env['MESHWORK_URL'] ?? 'http://127.0.0.1:8080' },
      offline: { type: 'boolean', default: false },
      format: { type: 'string', default: 'text' },
      params: { type: 'string' },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [command, ...files] = positionals
  if (command === undefined || values.help) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  if (command !== 'validate' && command !== 'plan') throw new UsageError(`there is no command "${command}"`)
  if (files.length === 0) throw new UsageError(`${command} needs a file`)
  const asker = new Asker(values.url)
  if (command === 'plan') return await plan(asker, files, values.format, values.params)
  if (!isFormat(values.format)) throw new UsageError(`--format ${values.format} is none of: ${formats.join(', ')}`)
  const results: { file: string; source: string; validation: Validation }[] = []
  for (const file of files) {
    const source = await read(file)
    const validation = values.offline ? await validateOffline(source) : await asker.validate(source)
    results.push({ file, source, validation })
  }
  console.log(render(values.format, results))
  const wrong = ({ validation: { valid, diagnostics } }: (typeof results)[number]) =>
    !valid || (values.strict && diagnostics.length > 0)
  return results.some(wrong) ? 1 : 0
}

async function plan(
  asker: Asker,
  files: readonly string[],
  format: string,
  paramsFile: string | undefined,
): Promise<number> {
  const [file, ...more] = files
  if (file === undefined || more.length > 0) throw new UsageError('plan takes one file')
  if (!['text', 'json', 'mermaid'].includes(format))
    throw new UsageError(`--format ${format} is none of: text, json, mermaid`)
  const source = await read(file)
  const params = paramsFile === undefined ? {} : parseParams(paramsFile, await read(paramsFile))
  const answer = await asker.plan(source, params)
  if (answer.kind === 'refused') {
    console.error(render('text', [{ file, source, validation: answer.validation }]))
    return 1
  }
  if (format === 'json') console.log(JSON.stringify(answer.plan, null, 2))
  else console.log(format === 'mermaid' ? answer.plan.mermaid : planText(answer.plan))
  return 0
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new NotAsked(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
}

function parseParams(file: string, text: string): Record<string, JsonValue> {
  try {
    const value: unknown = JSON.parse(text)
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, JsonValue>
  } catch (error) {
    throw new NotAsked(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  throw new NotAsked(`${file} must hold one JSON object with the parameters`)
}
