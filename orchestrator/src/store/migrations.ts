// The tables, as steps that are applied once each, in order, under a lock. A step is never changed after a release.

import type { Database } from './database.ts'

const steps: readonly string[] = [
  `
  CREATE TABLE workflow (
    name text NOT NULL,
    version int NOT NULL,
    hash text NOT NULL,
    document jsonb NOT NULL,
    source text NOT NULL,
    plan jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
  );
  CREATE TABLE run (
    id uuid PRIMARY KEY,
    workflow text NOT NULL,
    version int NOT NULL,
    status text NOT NULL,
    params jsonb NOT NULL,
    cache boolean NOT NULL,
    plan jsonb NOT NULL,
    traceparent text NOT NULL,
    outputs jsonb,
    problem jsonb,
    job_id uuid NOT NULL,
    owner text,
    fence int NOT NULL DEFAULT 0,
    event_seq int NOT NULL DEFAULT 0,
    cancel_requested boolean NOT NULL DEFAULT false,
    idempotency_key text UNIQUE,
    request_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz
  );
  CREATE INDEX run_by_time ON run (created_at DESC, id DESC);
  CREATE INDEX run_by_workflow ON run (workflow, created_at DESC, id DESC);
  CREATE INDEX run_by_status ON run (status, created_at DESC, id DESC);
  CREATE INDEX run_open_by_owner ON run (owner) WHERE ended_at IS NULL;
  CREATE TABLE step (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    name text NOT NULL,
    place int NOT NULL,
    stage text NOT NULL,
    version text,
    status text NOT NULL,
    attempts int NOT NULL,
    next_at timestamptz,
    rows bigint,
    seconds double precision,
    progress jsonb,
    input_hash text,
    output_hash text,
    output jsonb,
    problem jsonb,
    started_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (run_id, name)
  );
  CREATE INDEX step_for_reuse ON step (stage, version, input_hash, ended_at DESC) WHERE status = 'succeeded';
  CREATE TABLE event (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    id int NOT NULL,
    type text NOT NULL,
    step text,
    attempt int,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    data jsonb NOT NULL,
    PRIMARY KEY (run_id, id)
  );
  CREATE TABLE deployment (
    url text PRIMARY KEY,
    stage text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now()
  );
  `,
  `
  ALTER TABLE run
    ADD COLUMN pause_requested boolean NOT NULL DEFAULT false,
    ADD COLUMN parked boolean NOT NULL DEFAULT false,
    ADD COLUMN forked_from uuid,
    ADD COLUMN queued_at timestamptz NOT NULL DEFAULT clock_timestamp();
  ALTER TABLE step ADD COLUMN generation int NOT NULL DEFAULT 1;
  CREATE INDEX run_open ON run (status, created_at) WHERE ended_at IS NULL;
  CREATE INDEX run_by_end ON run (ended_at) WHERE ended_at IS NOT NULL
  `,
  `
  CREATE TABLE schedule (
    name text PRIMARY KEY,
    definition jsonb NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    next_at timestamptz,
    revision int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX schedule_due ON schedule (next_at) WHERE NOT paused;
  CREATE TABLE fire (
    schedule text NOT NULL REFERENCES schedule ON DELETE CASCADE,
    at timestamptz NOT NULL,
    outcome text NOT NULL,
    reason text,
    run_id uuid,
    backfill uuid,
    concurrency int NOT NULL DEFAULT 1,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (schedule, at)
  );
  CREATE INDEX fire_queued ON fire (schedule, at) WHERE outcome = 'queued';
  CREATE INDEX fire_by_run ON fire (run_id) WHERE run_id IS NOT NULL
  `,
  `
  CREATE TABLE webhook (
    name text PRIMARY KEY,
    url text NOT NULL,
    secret text NOT NULL,
    events text[] NOT NULL,
    workflows text[] NOT NULL,
    disabled text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE delivery (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook text NOT NULL REFERENCES webhook ON DELETE CASCADE,
    body jsonb NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz DEFAULT clock_timestamp(),
    answer text,
    delivered boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX delivery_due ON delivery (next_at) WHERE next_at IS NOT NULL;
  CREATE INDEX delivery_by_webhook ON delivery (webhook, created_at DESC);
  -- Here and not in the statements that write events: what is told is exactly what was recorded, by whichever version.
  CREATE FUNCTION deliver_events() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT FROM webhook WHERE disabled IS NULL) THEN
      INSERT INTO delivery (webhook, body)
      SELECT w.name, jsonb_build_object('type', e.type, 'timestamp', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'data', jsonb_build_object('run', e.run_id, 'workflow', r.workflow, 'version', r.version, 'status', r.status, 'event', e.id, 'step', e.step,
          'attempt', e.attempt, 'detail', e.data))
      FROM written e JOIN run r ON r.id = e.run_id JOIN webhook w
        ON w.disabled IS NULL AND (e.type = ANY (w.events) OR split_part(e.type, '.', 1) || '.*' = ANY (w.events))
          AND (w.workflows = '{}' OR r.workflow = ANY (w.workflows));
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER deliver_events AFTER INSERT ON event REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION deliver_events()
  `,
  `
  ALTER TABLE step ADD COLUMN items int, ADD COLUMN item_of text, ADD COLUMN item int;
  CREATE INDEX step_items ON step (run_id, item_of, item) WHERE item_of IS NOT NULL
  `,
  `
  ALTER TABLE run ADD COLUMN signals int NOT NULL DEFAULT 0, ADD COLUMN wake_at timestamptz, ADD COLUMN opened_at timestamptz;
  CREATE INDEX run_waking ON run (wake_at) WHERE parked AND wake_at IS NOT NULL;
  CREATE INDEX step_waiting ON step (started_at, run_id) WHERE status = 'waiting';
  CREATE TABLE signal (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    step text NOT NULL,
    generation int NOT NULL,
    kind text NOT NULL,
    data jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, step, generation)
  )
  `,
  `
  ALTER TABLE run ADD COLUMN parent_run uuid, ADD COLUMN parent_step text, ADD COLUMN parent_generation int, ADD COLUMN parent_told boolean NOT NULL DEFAULT false;
  CREATE INDEX run_untold ON run (ended_at) WHERE parent_run IS NOT NULL AND NOT parent_told AND ended_at IS NOT NULL
  `,
  `
  ALTER TABLE run ADD COLUMN limits jsonb, ADD COLUMN held boolean NOT NULL DEFAULT false, ADD COLUMN admitted_at timestamptz;
  CREATE INDEX run_held ON run (workflow, queued_at, id) WHERE held;
  CREATE INDEX run_admitted ON run (workflow, admitted_at) WHERE admitted_at IS NOT NULL;
  CREATE INDEX run_under_way ON run (workflow) WHERE admitted_at IS NOT NULL AND ended_at IS NULL
  `,
  `
  CREATE TABLE stage_limit (
    stage text PRIMARY KEY,
    count int NOT NULL,
    per_ms int NOT NULL,
    begins float8[] NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )
  `,
  `
  CREATE UNLOGGED TABLE shared_call (
    id uuid PRIMARY KEY,
    giver text NOT NULL,
    run_id uuid NOT NULL,
    fence int NOT NULL,
    contract text NOT NULL,
    request jsonb NOT NULL,
    given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    taker text,
    touched_at timestamptz,
    answer jsonb
  );
  CREATE INDEX shared_call_free ON shared_call (given_at DESC) WHERE taker IS NULL;
  CREATE INDEX shared_call_by_giver ON shared_call (giver)
  `,
  // Steps and events are written by statements that change their run, and removed with it: to look their run up again for
  // each row finds nothing. A page of runs has room for new versions of them, so that indexes stay as they are.
  `
  LOCK TABLE run IN ACCESS EXCLUSIVE MODE;
  ALTER TABLE step DROP CONSTRAINT step_run_id_fkey;
  ALTER TABLE event DROP CONSTRAINT event_run_id_fkey;
  ALTER TABLE run SET (fillfactor = 60)
  `,
  `
  ALTER TABLE stage_limit ADD COLUMN concurrency int, ALTER COLUMN count DROP NOT NULL, ALTER COLUMN per_ms DROP NOT NULL;
  CREATE TABLE stage_place (
    stage text NOT NULL,
    holder text NOT NULL,
    taken int NOT NULL,
    waiting int NOT NULL,
    waits_since timestamptz NOT NULL,
    touched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stage, holder)
  )
  `,
]

const lockKey = 7_202_611

/** Answers the step that the database is at. */
export async function migrate(database: Database): Promise<number> {
  return await database.transaction(async sql => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [lockKey])
    await sql.query(
      'CREATE TABLE IF NOT EXISTS migration (step int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
    )
    const [row] = await sql.query<{ last: number }>('SELECT coalesce(max(step), 0)::int AS last FROM migration')
    const last = row?.last ?? 0
    for (const [i, step] of steps.entries()) {
      if (i + 1 <= last) continue
      for (const statement of statementsOf(step)) await sql.query(statement)
      await sql.query('INSERT INTO migration (step) VALUES ($1)', [i + 1])
    }
    return Math.max(last, steps.length)
  })
}

/** Statements end with a semicolon, but for those inside $$ … $$: the odd pieces. */
function statementsOf(step: string): string[] {
  const parts = step.split('$$').map((part, i) => (i % 2 === 0 ? part.replaceAll(';', '\u0000') : part))
  return parts
    .join('$$')
    .split('\u0000')
    .map(part => part.trim())
    .filter(Boolean)
}
