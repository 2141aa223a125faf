// One run of chaos: a mesh, a load, faults one after the other, quiet, and the checks.

import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { check } from './check/check.ts'
import { readRecord, type Record } from './check/record.ts'
import type { Violation } from './check/violation.ts'
import { Driver } from './drive/driver.ts'
import { startMesh } from './mesh/mesh.ts'
import { type FaultName, faults } from './nemesis/faults.ts'
import { Random } from './random.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  readonly faults: readonly FaultName[]
  readonly plants?: readonly string[]
  /** Goes on after its time, at most to three times of it, until so many runs were started: a slow machine has to show as much. */
  readonly runsMin?: number
  readonly say: (line: string) => void
  /** Seconds that all runs have to end after the last fault. */
  readonly quietSeconds?: number
}

export interface ChaosResult {
  readonly injected: readonly { readonly fault: FaultName; readonly evidence: string }[]
  readonly missed: readonly FaultName[]
  readonly runs: number
  readonly calls: number
  readonly effects: number
  /** Calls beyond the first of a step: what attempts and faults cost. */
  readonly duplicates: number
  readonly unanswered: number
  readonly violations: readonly Violation[]
  readonly record: Record
}

const openMax = 40
/** Runs that wait for a place of their workflow; they come on top, or they would soon be all the load. */
const heldMax = 100
const programs = 24
const workMs = 15
const quietSecondsDefault = 90
const lookMs = 200
/** What the end of a run frees is given back after it. */
const settleMs = 1000

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, seconds, say, plants = [], runsMin = 0, quietSeconds = quietSecondsDefault } = options
  const random = new Random(seed)
  const mesh = await startMesh(plants, line => say(line.trimEnd()))
  try {
    const open = async () => await openRuns(mesh.postgres.url)
    const busy = async () => await openRuns(mesh.postgres.url, heldMax)
    const driver = new Driver({ nodes: mesh.nodes, random: random.fork(), open: busy, openMax, programs, workMs })
    await driver.register()
    driver.start()
    const scope = { mesh, driver, random: random.fork() }
    const injected: { fault: FaultName; evidence: string }[] = []
    const missed: FaultName[] = []
    const begun = performance.now()
    const over = () => {
      const past = (performance.now() - begun) / 1000
      return past >= seconds && (past >= 3 * seconds || driver.history.starts.size >= runsMin)
    }
    while (!over()) {
      for (const name of shuffled(options.faults, random)) {
        if (over()) break
        const evidence = await faults.get(name)?.(scope)
        if (evidence === undefined) missed.push(name)
        else injected.push({ fault: name, evidence })
        say(`${name}: ${evidence ?? 'did not come about'}`)
        await pause(random.integer(100, 600))
      }
    }
    await driver.stop()
    const end = performance.now() + quietSeconds * 1000
    while (performance.now() < end && (await open()) > 0) {
      await driver.signalRest()
      await pause(lookMs)
    }
    await pause(settleMs)
    const record = await readRecord(mesh.postgres.url, mesh.ledger)
    const { calls, effects, duplicates } = counted(record)
    const violations = check(driver.history, record)
    const { unanswered } = driver.history
    return { injected, missed, runs: record.runs.size, calls, effects, duplicates, unanswered, violations, record }
  } finally {
    await mesh.end()
  }
}

function counted({ lines }: Record) {
  const calls = lines.filter(({ kind }) => kind === 'call')
  const steps = new Set(calls.map(({ run, step }) => `${run}/${step}`))
  return { calls: calls.length, effects: lines.length - calls.length, duplicates: calls.length - steps.size }
}

/** Runs that have not ended, but for so many of those that are held. */
async function openRuns(url: string, heldOut = 0): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ count: number }>(
      'SELECT (count(*) - least(count(*) FILTER (WHERE held), $1))::int AS count FROM run WHERE ended_at IS NULL',
      [heldOut],
    )
    return rows[0]?.count ?? 0
  } finally {
    await client.end().catch(() => {})
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map(item => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
