// Places where an orchestrator is killed: between any two effects of which one without the other would show.

import type { Patch } from './patch.ts'

const before = (file: string, name: string, find: string): Patch => ({
  file,
  find,
  put: `crashPoint('${name}');${find}`,
})
const after = (file: string, name: string, find: string): Patch => ({
  file,
  find,
  put: `${find}\n;crashPoint('${name}');`,
})

const acceptLine = 'const rows = await this.#database.transaction(async sql => await this.acceptIn(sql, runs))'

const takenAnswer = "if (answer.kind !== 'aborted') await this.#answers.add({ id, answer })"

export const crashPoints: Readonly<Record<string, Patch>> = {
  'accept-before-commit': {
    file: 'store/runs.ts',
    find: acceptLine,
    put: `const rows = await this.#database.transaction(async sql => { const kept = await this.acceptIn(sql, runs); crashPoint('accept-before-commit'); return kept })`,
  },
  'accept-after-commit': after('store/runs.ts', 'accept-after-commit', acceptLine),
  'claim-after-fetch': after('store/runs.ts', 'claim-after-fetch', 'if (jobs.length === 0) return []'),
  'claim-after-fence': before('store/runs.ts', 'claim-after-fence', 'const held = new Set('),
  'record-before': before('store/ledger.ts', 'record-before', 'const recorded = await this.#apply(batch)'),
  'record-after-commit': before('store/ledger.ts', 'record-after-commit', 'const missing = batch.filter('),
  'call-before': before('stage/client.ts', 'call-before', 'return await this.#send(call, ending.signal)'),
  'call-after-answer': after(
    'engine/walk.ts',
    'call-after-answer',
    '.then(answer => {\n        this.#calls.delete(step.name)',
  ),
  'share-after-give': after('store/shared-calls.ts', 'share-after-give', '[JSON.stringify(calls), this.#me],\n    )'),
  'share-after-take': {
    file: 'calls/taker.ts',
    find: 'for (const call of taken) this.#begin(call)',
    put: "if (taken.length > 0) crashPoint('share-after-take');for (const call of taken) this.#begin(call)",
  },
  'share-before-answer': before('calls/taker.ts', 'share-before-answer', takenAnswer),
  'share-after-answer': after('calls/taker.ts', 'share-after-answer', takenAnswer),
  'verb-before-commit': before('store/verbs.ts', 'verb-before-commit', 'const job = randomUUID()\n    const [run] = '),
  'verb-after-commit': before('store/verbs.ts', 'verb-after-commit', `if (changed) return { kind: 'done'`),
}
