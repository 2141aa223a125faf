import t from 'tap'
import { type Verdict, subtype, subtypeFindings } from '../../src/subtype/subtype.ts'
import { rows } from './rows.ts'

t.test(`${rows.length} pairs get the answer that is known for them, and the place`, async t => {
  t.equal(new Set(rows.map(([title]) => title)).size, rows.length, 'every title once')
  for (const [title, producer, consumer, expected, path, options] of rows) {
    const verdict = subtype(producer, consumer, options)
    const place = verdict.kind === 'no' ? verdict.path : undefined
    if (verdict.kind !== expected || (path !== undefined && place !== path))
      t.fail(`${title}: expected ${expected} ${path ?? ''}, got ${JSON.stringify(verdict)}`)
  }
})

const reason = (verdict: Verdict) => (verdict.kind === 'yes' ? 'yes' : `${verdict.path} ${verdict.reason}`)
const closed = (properties: object, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

t.test('reasons are words for the author of a workflow', async t => {
  const said: [object, object, string][] = [
    [
      closed({ retries: { type: 'number' } }),
      closed({ retries: { type: 'integer' } }),
      '/retries number is not integer',
    ],
    [
      closed({ mode: { enum: ['apend'] } }),
      closed({ mode: { enum: ['append', 'replace'] } }),
      '/mode value "apend" is not "append" | "replace"',
    ],
    [closed({}), closed({ name: { type: 'string' } }), '/name is required here and not given'],
    [
      closed({ a: { type: 'string' } }, []),
      closed({ a: { type: 'string' } }),
      '/a is required here and only optional in what is given',
    ],
    [closed({ a: { type: 'string' } }), closed({ a: { type: 'string', minLength: 1 } }), '/a may be empty'],
    [{ type: 'integer', minimum: 0 }, { type: 'integer', minimum: 1 }, ' may be less than 1, down to 0'],
    [{ type: 'object' }, closed({}), ' may have other keys, which are not allowed here'],
    [{}, { type: 'string' }, ' any value may be given, and string is expected'],
  ]
  for (const [producer, consumer, expected] of said)
    t.equal(reason(subtype(producer, consumer)).replace('/* ', ' '), expected)
})

t.test('every fault of a pair is told at once, with a value that shows it', async t => {
  const producer = closed({ a: { type: 'number' }, b: { type: ['string', 'null'] }, d: { type: 'string' } })
  const consumer = closed({ a: { type: 'integer' }, b: { type: 'string' }, c: { type: 'boolean' } })
  const findings = subtypeFindings(producer, consumer)
  t.strictSame(findings.map(({ kind, path }) => `${kind} ${path}`).sort(), ['no /a', 'no /b', 'no /c', 'no /d'])
  for (const finding of findings) if (finding.kind === 'no') t.match(finding.witness, { a: Number })
  t.strictSame(subtypeFindings(producer, producer), [])
})

t.test('a schema that would take forever is answered with "unknown"', async t => {
  const wide = (salt: string) => ({
    allOf: Array.from({ length: 12 }, (_, i) => ({
      anyOf: [
        closed({ k: { const: i }, [salt]: { type: 'string' } }),
        closed({ k: { const: 'x' } }),
        { type: 'object', minProperties: i },
      ],
    })),
  })
  const started = performance.now()
  t.equal(subtype(wide('a'), wide('b')).kind, 'unknown')
  const nested = (inner: object) => {
    let schema = inner
    for (let i = 0; i < 500; i++) schema = { type: 'array', items: schema, minItems: 1 }
    return schema
  }
  t.equal(subtype(nested({ type: 'string' }), nested({ type: 'string' })).kind, 'yes', 'equal text is equal')
  t.equal(subtype(nested({ type: 'string' }), nested({ type: 'number' })).kind, 'unknown')
  t.ok(performance.now() - started < 5000, 'and soon')
})
