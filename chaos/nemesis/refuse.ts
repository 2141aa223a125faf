// PostgreSQL that refuses statements, as one does that finds a conflict or a full disk: a trigger raises the same error.
// How often it did is counted by a sequence, which no rollback takes back.

import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

/** Share of the statements that write runs. */
const refusedShare = 0.3

/** Answers how many statements were refused. */
export async function refuse(url: string, sqlState: string, ms: number): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`
      CREATE SEQUENCE chaos_refused MINVALUE 0 START 0;
      CREATE FUNCTION chaos_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF random() < ${refusedShare} THEN
            PERFORM nextval('chaos_refused');
            RAISE EXCEPTION 'refused on purpose' USING ERRCODE = '${sqlState}';
          END IF;
          RETURN NULL;
        END $$;
      CREATE TRIGGER chaos_refuse AFTER INSERT OR UPDATE ON run FOR EACH STATEMENT EXECUTE FUNCTION chaos_refuse()`)
    await pause(ms)
    const { rows } = await client.query<{ refused: string }>(`SELECT nextval('chaos_refused') AS refused`)
    return Number(rows[0]?.refused)
  } finally {
    await client.query('DROP TRIGGER chaos_refuse ON run; DROP FUNCTION chaos_refuse; DROP SEQUENCE chaos_refused')
    await client.end()
  }
}
