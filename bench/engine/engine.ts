// Runs of six trivial steps over REST, and steps with long lists: durable on PostgreSQL and on PGlite, against a walker
// that makes every transition durable and does nothing else (the floor), one without any durability, DBOS and Prefect.

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startPostgres } from '../../orchestrator/test/postgres.ts'
import { type BenchOptions, type BenchResult, machine, median, medians, rounds } from '../harness.ts'
import { startService } from '../service.ts'
import { dbosApp } from './dbos.ts'
import { Prefect } from './prefect.ts'
import { ask, Mesh, names, plainRun } from './runs.ts'

type Run = () => Promise<void>

const fanWidth = 64
const prefectWidthMax = 64
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

export async function bench({ quick, say, rounds: count = quick ? 1 : 5 }: BenchOptions): Promise<BenchResult> {
  const widths = quick ? [1, 16] : [1, 16, 64, 256]
  const fans = quick ? [50, 200] : [1000, 20_000]
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-engine-'))
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })]
  try {
    const stages = await startService('bench/engine/stages.ts', [pathToFileURL(join(folder, 'store')).href], {}, ends)
    const postgres = async () => (await startPostgres({ teardown: end => void ends.push(end) }, { durable: true })).url
    const orchestrator = async (home: Record<string, string>) =>
      await startService('orchestrator/src/main.ts', [], { ...envOf(stages), ...home }, ends)
    const shared = await postgres()
    const floor = await startService('bench/engine/floor.ts', [stages, await postgres()], {}, ends)
    const lite = new Mesh([await orchestrator({ MESHWORK_STATE_DIR: join(folder, 'state') })])
    const onPostgres = new Mesh([await orchestrator({ MESHWORK_DATABASE_URL: await postgres() })])
    const two = new Mesh([
      await orchestrator({ MESHWORK_DATABASE_URL: shared }),
      await orchestrator({ MESHWORK_DATABASE_URL: shared }),
    ])
    const dbos = await startService(dbosApp(cache, say), [stages, await postgres()], {}, ends)
    const prefectHome = join(folder, 'prefect')
    await mkdir(prefectHome)
    const prefect = new Prefect({ stages, databaseUrl: await postgres(), home: prefectHome, cache }, say)
    ends.push(async () => await prefect.stop())
    const homes: Record<string, Run> = {
      'no durability': async () => await plainRun(stages),
      floor: async () => void (await ask(`${floor}/chain`, { steps: names.length })),
      PostgreSQL: async () => await onPostgres.run(),
      PGlite: async () => await lite.run(),
      'two orchestrators': async () => await two.run(),
      DBOS: async () => void (await ask(dbos, {})),
    }
    for (const run of Object.values(homes)) await atATime(run, 16, quick ? 16 : 200) // warm
    const candidates: Record<string, () => Promise<number>> = {}
    for (const [home, run] of Object.entries(homes)) {
      candidates[`${home}: ms, one at a time`] = async () => await latencyMs(run, quick ? 10 : 60)
      for (const width of widths)
        candidates[`${home}: runs/s, ${width} at a time`] = async () =>
          await perSecond(run, width, quick ? 20 : Math.max(60, width * 3))
    }
    addPrefect(candidates, prefect, widths, quick)
    for (const items of fans) {
      candidates[`floor: s, list of ${items}`] = async () =>
        await seconds(async () => void (await ask(`${floor}/fan`, { items, width: fanWidth })))
      candidates[`PostgreSQL: s, list of ${items}`] = async () => await seconds(async () => await onPostgres.fan(items))
      candidates[`PGlite: s, list of ${items}`] = async () => await seconds(async () => await lite.fan(items))
    }
    const [, most = 0] = fans
    candidates[`PostgreSQL: MB more, list of ${most}`] = async () =>
      await onPostgres.megabytesOf(async () => await onPostgres.fan(most))
    const samples = await rounds(count, candidates, say)
    const middle = medians(samples)
    return { name: 'engine', machine: machine(), samples, medians: middle, ratios: ratiosOf(middle, widths, fans) }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Of a peer that takes so much longer fewer runs say as much. The first of its measurements starts it, the last one ends it. */
function addPrefect(
  candidates: Record<string, () => Promise<number>>,
  prefect: Prefect,
  widths: readonly number[],
  quick: boolean,
): void {
  const run = async () => await prefect.run()
  const own = widths.filter(width => width <= prefectWidthMax)
  candidates['Prefect: ms, one at a time'] = async () => {
    await prefect.start()
    await atATime(run, 16, quick ? 4 : 16) // warm
    return await latencyMs(run, quick ? 3 : 10)
  }
  for (const width of own)
    candidates[`Prefect: runs/s, ${width} at a time`] = async () => {
      const rate = await perSecond(run, width, quick ? 4 : Math.max(10, width))
      if (width === own.at(-1)) await prefect.stop()
      return rate
    }
}

const envOf = (stages: string) => ({
  MESHWORK_PORT: '0',
  MESHWORK_LOG_LEVEL: 'silent',
  MESHWORK_STAGES: `nothing=${stages}`,
  MESHWORK_STAGE_CALLS_MAX: '1024',
})

function ratiosOf(
  middle: Readonly<Record<string, number>>,
  widths: readonly number[],
  fans: readonly number[],
): Record<string, number> {
  const ratio = (above: string, below: string) => (middle[above] as number) / (middle[below] as number)
  const ratios: Record<string, number> = {}
  const pairs = [
    ['PostgreSQL', 'floor'],
    ['PostgreSQL', 'no durability'],
    ['PGlite', 'PostgreSQL'],
    ['two orchestrators', 'PostgreSQL'],
    ['PostgreSQL', 'DBOS'],
    ['PostgreSQL', 'Prefect'],
  ] as const
  for (const [one, other] of pairs) {
    ratios[`${one} / ${other}, latency`] = ratio(`${one}: ms, one at a time`, `${other}: ms, one at a time`)
    for (const width of widths.filter(each => `${other}: runs/s, ${each} at a time` in middle))
      ratios[`${one} / ${other}, runs/s at ${width}`] = ratio(
        `${one}: runs/s, ${width} at a time`,
        `${other}: runs/s, ${width} at a time`,
      )
  }
  const [few = 1, many = 1] = fans
  for (const items of fans)
    ratios[`PostgreSQL / floor, list of ${items}`] = ratio(
      `PostgreSQL: s, list of ${items}`,
      `floor: s, list of ${items}`,
    )
  for (const home of ['PostgreSQL', 'PGlite', 'floor'])
    ratios[`${home}, list of ${many} / ${many / few} × list of ${few}`] =
      ratio(`${home}: s, list of ${many}`, `${home}: s, list of ${few}`) / (many / few)
  return ratios
}

async function latencyMs(run: Run, count: number): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < count; n++) times.push(1000 * (await seconds(run)))
  return median(times)
}

async function perSecond(run: Run, width: number, count: number): Promise<number> {
  return count / (await seconds(async () => await atATime(run, width, count)))
}

async function seconds(work: Run): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

async function atATime(run: Run, width: number, count: number): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(width, count) }, async () => {
      while (next++ < count) await run()
    }),
  )
}
