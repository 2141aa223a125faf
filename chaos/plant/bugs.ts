// Bugs that orchestrators like this one have had, each with the faults that bring it out. They prove that the checks
// find what they are for.

import type { FaultName } from '../nemesis/faults.ts'
import type { Patch } from './patch.ts'

export interface Bug {
  readonly patch: Patch
  readonly faults: readonly FaultName[]
  /** Promises one of which it must be seen to break. */
  readonly breaks: readonly string[]
}

export const bugs: Readonly<Record<string, Bug>> = {
  'fence-off': {
    patch: {
      file: 'store/ledger.ts',
      find: 'AND r.id = t.run_id AND r.fence = t.fence AND num_nulls(r.ended_at) = 1 AND NOT (t.starts',
      put: 'AND r.id = t.run_id AND num_nulls(r.ended_at) = 1 AND NOT (t.starts',
    },
    faults: ['partition'],
    breaks: ['attempts grow by one', 'a step settles once', 'an attempt is one call', 'a run ends once'],
  },
  'acknowledged-before-commit': {
    patch: {
      file: 'store/runs.ts',
      find: 'const rows = await this.#database.transaction(async sql => await this.acceptIn(sql, runs))',
      put: `const rows: RunRow[] = await new Promise((resolve, reject) => {
      void this.#database.transaction(async sql => { const kept = await this.acceptIn(sql, runs); resolve(kept); await new Promise(later => setTimeout(later, 100)); return kept }).catch(reject)
    })`,
    },
    faults: ['kill-both', 'kill-one'],
    breaks: ['an acknowledged run is never lost', 'one run for a key'],
  },
  'start-key-ignored': {
    patch: {
      file: 'store/runs.ts',
      find: 'idempotency_key: run.idempotencyKey,',
      put: 'idempotency_key: run.idempotencyKey === null ? null : run.idempotencyKey + run.id.slice(0, 2),',
    },
    faults: ['same-key'],
    breaks: ['one run for a key'],
  },
  'call-key-per-attempt': {
    patch: {
      file: 'engine/walk.ts',
      find: '${place?.index ?? 0}/${state.generation}`',
      put: '${place?.index ?? 0}/${state.generation}/${state.attempts}`',
    },
    faults: ['answers-lost', 'kill-one'],
    breaks: ['an effect once'],
  },
  'starts-after-cancel': {
    patch: {
      file: 'store/ledger.ts',
      find: ' AND NOT (t.starts AND (r.cancel_requested OR r.pause_requested))',
      put: '',
    },
    faults: ['pause'],
    breaks: ['nothing starts after a cancel'],
  },
  'cancel-not-kept': {
    patch: {
      file: 'store/verbs.ts',
      find: 'UPDATE run SET cancel_requested = true, pause_requested = false, event_seq',
      put: 'UPDATE run SET cancel_requested = false, pause_requested = false, event_seq',
    },
    faults: ['pause'],
    breaks: ['nothing starts after a cancel', 'the outcome is that of the program'],
  },
  'one-attempt-too-many': {
    patch: { file: 'step/settle.ts', find: 'attempt >= step.retry.attempts', put: 'attempt > step.retry.attempts' },
    faults: ['pause'],
    breaks: ['attempts within the policy'],
  },
  'tried-again-after-a-final-error': {
    patch: { file: 'step/settle.ts', find: '!problem.retryable || attempt', put: 'attempt' },
    faults: ['pause'],
    breaks: ['what may not be tried again is not'],
  },
  'called-before-recorded': {
    patch: {
      file: 'engine/walk.ts',
      find: 'const recorded = await this.#record(changes, {',
      put: 'for (const { step, body } of begun.splice(0)) if (body !== undefined) this.#call(step, body)\n        await new Promise(later => setTimeout(later, 150))\n        const recorded = await this.#record(changes, {',
    },
    faults: ['kill-one', 'partition'],
    breaks: ['nothing is sent that is not recorded', 'an attempt is one call'],
  },
  'finished-steps-forgotten': {
    patch: {
      file: 'store/runs.ts',
      find: 'runs.filter(run => run.fence > 1 || run.forked_from !== null)',
      put: 'runs.filter(run => run.forked_from !== null)',
    },
    faults: ['kill-one'],
    breaks: ['a step settles once', 'attempts grow by one'],
  },
  'times-by-the-local-clock': {
    patch: {
      file: 'engine/walk-clock.ts',
      find: 'return this.#claimed.at + (performance.now() - this.#beganAt)',
      put: 'return Date.now()',
    },
    faults: ['clock-forward', 'clock-back'],
    breaks: ['every run ends'],
  },
  'a-start-for-each-walk': {
    patch: { file: 'engine/walk.ts', find: 'new Date(run.started_at ?? claimed.at).getTime()', put: 'Date.now()' },
    faults: ['kill-one', 'answers-lost'],
    breaks: ['the outcome is that of the program'],
  },
  'rests-over-a-signal': {
    patch: { file: 'store/ledger.ts', find: 'AND (t.signals IS NULL OR t.signals = r.signals)', put: '' },
    faults: ['pause'],
    breaks: ['every run ends'],
  },
  'places-given-twice': {
    patch: {
      file: 'store/admission.ts',
      find: "await sql.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [lockSpace, workflow])",
      put: '',
    },
    faults: ['pause'],
    breaks: ['no more runs at one time than allowed'],
  },
  'places-of-others-not-counted': {
    patch: {
      file: 'calls/places-for.ts',
      find: 'const taken = sum(living.map(of => of.taken)) + me.taken',
      put: 'const { taken } = me',
    },
    faults: ['few-calls'],
    breaks: ['no more calls at one time than allowed'],
  },
  'places-not-given-back': {
    patch: { file: 'calls/stage-places.ts', find: 'line.inFlight--', put: 'if (Math.random() > 0.01) line.inFlight--' },
    faults: ['pause'],
    breaks: ['every place is given back', 'every run ends'],
  },
  'taken-back-from-its-taker': {
    patch: { file: 'store/shared-calls.ts', find: ' AND taker IS NULL RETURNING id', put: ' RETURNING id' },
    faults: ['kill-one', 'rolling-restart'],
    breaks: ['an attempt is one call'],
  },
  'order-ignored': {
    patch: {
      file: 'engine/decide.ts',
      find: 'return without.every(name => isSettled(stateOf(name))) ?',
      put: 'return without.every(name => isSettled(stateOf(name)) || !JSON.stringify(step).includes(`steps.${name}.`)) ?',
    },
    faults: ['pause'],
    breaks: ['steps in order'],
  },
  'job-not-in-the-transaction': {
    patch: {
      file: 'store/runs.ts',
      find: 'if (jobs.length > 0) await this.#boss.insert(runQueue, jobs, { db: bossSql(sql) })',
      put: 'if (jobs.length > 0) setTimeout(() => void this.#boss.insert(runQueue, jobs).catch(() => {}), 100)',
    },
    faults: ['kill-both', 'kill-one'],
    breaks: ['every run ends'],
  },
}
