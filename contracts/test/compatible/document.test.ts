import t, { type Test } from 'tap'
import { compareContracts } from '../../src/compatible/document.ts'
import { base, breakingRows, type ChangeRow, type Edit, harmlessRows, silentRows, warningRows } from './changes.ts'

const today = '2026-11-23'
const sunset = (day: string) => ({ get: { deprecated: true, 'x-sunset': day, responses: {} } })

function changed(edit: Edit) {
  const older = {
    ...base(),
    paths: { ...base().paths, '/v1/old': sunset('2026-11-01'), '/v1/late': sunset('2026-12-24') },
  }
  const newer = structuredClone(older)
  edit(newer)
  return compareContracts(older, newer, today)
}

function holds(t: Test, rows: readonly ChangeRow[], level: string): void {
  for (const [title, edit, rule, where] of rows) {
    const found = changed(edit)
    const wanted = found.find(finding => finding.rule === rule && finding.where === where)
    if (wanted?.level !== level) t.fail(`${title}: expected ${level} ${rule} at ${where}, got ${JSON.stringify(found)}`)
    if (level !== 'breaking' && found.some(finding => finding.level === 'breaking'))
      t.fail(`${title}: is not to break, got ${JSON.stringify(found)}`)
  }
  t.pass(`${rows.length} changes`)
}

t.test('a change that callers would notice breaks, with its place', async t => {
  holds(t, breakingRows, 'breaking')
})
t.test('a change that callers do not notice does not break', async t => {
  holds(t, harmlessRows, 'info')
})
t.test('a change of behaviour within the contract is a warning', async t => {
  holds(t, warningRows, 'warning')
})
t.test('a change of words is no change', async t => {
  for (const [title, edit] of silentRows) t.strictSame(changed(edit), [], title)
})

t.test('what broke is said in the direction of the caller, with an example', async t => {
  const [sent] = changed(breakingRows.find(([title]) => title === 'a value is no longer taken')?.[1] ?? (() => {}))
  t.match(
    sent?.detail,
    /^what could be sent before is refused now: value "size" is not "name"; for example \{.*"by":"size"/,
  )
  const [answered] = changed(
    breakingRows.find(([title]) => title === 'a property may be missing from the answer')?.[1] ?? (() => {}),
  )
  t.match(answered?.detail, /^may be missing now, and was always there before/)
})
