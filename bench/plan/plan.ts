// How long it takes to check a workflow before it runs: 20, 200 and 2,000 steps; by contracts alone, against live stages
// that have not seen it, and again; against reading its text, which nobody can do without.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Validation } from '@meshwork/contracts'
import { request } from 'undici'
import { startMesh } from '../../launcher/src/mesh.ts'
import { validateOffline } from '../../orchestrator/src/cli/offline.ts'
import { readDocument } from '../../orchestrator/src/definition/read.ts'
import { type BenchOptions, type BenchResult, machine, medians, rounds } from '../harness.ts'

const sizes = [20, 200, 2000]
const quickSizes = [20, 200]
let variant = 0

export async function bench({ quick, say }: BenchOptions): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-plan-'))
  const mesh = await startMesh({ folder, logLevel: 'warn', onLine: () => {} })
  try {
    await validate(mesh.url, workflow(20))
    const candidates: Record<string, () => Promise<number>> = {}
    for (const steps of quick ? quickSizes : sizes) {
      let source = workflow(steps)
      candidates[`${steps} steps: read the text, ms`] = async () => await timed(() => void readDocument(source))
      candidates[`${steps} steps: contracts alone, ms`] = async () =>
        await timed(async () => refuse(await validateOffline(source)))
      candidates[`${steps} steps: live stages, not seen before, ms`] = async () => {
        source = workflow(steps)
        return await timed(async () => refuse(await validate(mesh.url, source), 'checked'))
      }
      candidates[`${steps} steps: live stages, again, ms`] = async () =>
        await timed(async () => refuse(await validate(mesh.url, source), 'checked'))
    }
    const samples = await rounds(quick ? 1 : 5, candidates, say)
    const middle = medians(samples)
    const of = (steps: number, what: string) => middle[`${steps} steps: ${what}, ms`] as number
    const largest = quick ? 200 : 2000
    const growth = (what: string, from: number, to: number) => of(to, what) / of(from, what) / (to / from)
    return {
      name: 'plan',
      machine: machine(),
      samples,
      medians: middle,
      ratios: {
        '200 steps: live stages not seen before / reading the text':
          of(200, 'live stages, not seen before') / of(200, 'read the text'),
        '200 steps: live stages again / reading the text': of(200, 'live stages, again') / of(200, 'read the text'),
        [`growth per step, 20 to ${largest}, not seen before (1 is linear)`]: growth(
          'live stages, not seen before',
          20,
          largest,
        ),
        [`growth per step, 200 to ${largest}, again (1 is linear)`]: growth('live stages, again', 200, largest),
      },
    }
  } finally {
    await mesh.end()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Chains of five steps; no two workflows have a step in common, so that no answer of a stage is known. */
function workflow(steps: number): string {
  const seed = ++variant
  const lines = ['name: wide', 'steps:']
  for (let chain = 0; chain * 5 < steps; chain++) {
    const limit = seed * 100_000 + chain
    lines.push(
      `  a${chain}: { stage: ingest@1, with: { source: "https://a.b/${limit}", schema: [{ name: x, type: int64 }, { name: o, type: string }] } }`,
      `  b${chain}: { stage: clean@1, with: { dataset: "\${steps.a${chain}.dataset}", rules: [{ rule: filter, where: x > ${limit} }] } }`,
      `  c${chain}: { stage: features@2, with: { dataset: "\${steps.b${chain}.dataset}", columns: { y: x * ${limit} } } }`,
      `  d${chain}: { stage: aggregate@1, with: { dataset: "\${steps.c${chain}.dataset}", groupBy: [o], measures: { m: { measure: mean, of: y + ${limit} } } } }`,
      `  e${chain}: { stage: report@1, with: { title: "${limit}", sections: [{ title: t, dataset: "\${steps.d${chain}.dataset}" }] } }`,
    )
  }
  return `${lines.slice(0, steps + 2).join('\n')}\n`
}

async function validate(url: string, source: string): Promise<Validation> {
  const answer = await request(`${url}/v1/workflows:validate`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: source,
  })
  return (await answer.body.json()) as Validation
}

function refuse({ valid, columns, diagnostics }: Validation, wanted: Validation['columns'] = 'not-checked'): void {
  if (!valid || columns !== wanted || diagnostics.length > 0)
    throw new Error(`columns ${columns}: ${diagnostics[0]?.message ?? 'not valid'}`)
}

async function timed(work: () => void | Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
