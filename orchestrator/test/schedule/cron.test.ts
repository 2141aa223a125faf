import t from 'tap'
import { calendarFault, firesBetween, nextFires } from '../../src/schedule/cron.ts'
import { type FireFacts, judgeFire } from '../../src/schedule/judge-fire.ts'

for (const [title, cron, timeZone, after, expected] of [
  ['seconds', '*/10 * * * * *', 'UTC', '2026-01-01T00:00:00.500Z', ['2026-01-01T00:00:10Z', '2026-01-01T00:00:20Z']],
  ['a time of its zone', '30 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z', ['2026-01-01T01:30:00Z']],
  [
    'spring: a time of day that is left out fires at the end of the gap, once',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
  ],
  [
    'spring: every half hour goes on',
    '*/30 * * * *',
    'Europe/Berlin',
    '2026-03-29T00:15:00Z',
    ['2026-03-29T00:30:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z'],
  ],
  [
    'autumn: a time of day that comes twice fires the first time only',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  ],
  [
    'autumn: every half hour goes on through both hours',
    '*/30 * * * *',
    'Europe/Berlin',
    '2026-10-25T00:15:00Z',
    ['2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'],
  ],
  [
    'a shift of half an hour',
    '15 2 * * *',
    'Australia/Lord_Howe',
    '2026-10-02T20:00:00Z',
    ['2026-10-03T15:30:00Z', '2026-10-04T15:15:00Z'],
  ],
  [
    'the other side of the date line',
    '0 0 * * *',
    'Pacific/Kiritimati',
    '2026-01-01T00:00:00Z',
    ['2026-01-01T10:00:00Z'],
  ],
  ['29 February', '0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00:00Z']],
  [
    'the last day of a month',
    '0 0 L * *',
    'UTC',
    '2026-02-01T00:00:00Z',
    ['2026-02-28T00:00:00Z', '2026-03-31T00:00:00Z'],
  ],
] as const)
  t.test(title, async t => {
    const found = nextFires({ cron, timeZone }, new Date(after), expected.length)
    t.same(
      found,
      expected.map(at => new Date(at)),
    )
  })

t.test('in every zone with daylight saving a day has one fire of each time of day, for years', async t => {
  for (const timeZone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Tokyo'])
    for (const cron of ['30 2 * * *', '0 0 * * *', '15 1 * * *']) {
      const calendar = { cron, timeZone }
      const fires = firesBetween(calendar, new Date('2026-01-01T12:00:00Z'), new Date('2029-01-01T12:00:00Z'), 5000)
      const days = new Set(fires.map(at => at.toLocaleDateString('sv', { timeZone })))
      t.equal(fires.length, days.size, `${cron} ${timeZone}: never twice a day`)
      t.ok(Math.abs(fires.length - 1096) <= 1, `${cron} ${timeZone}: ${fires.length} fires in 1096 days`)
    }
})

t.test('a range has both its ends, and a limit', async t => {
  const hourly = { cron: '0 * * * *', timeZone: 'UTC' }
  const [from, to] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T03:00:00Z')]
  t.equal(firesBetween(hourly, from, to, 100).length, 4)
  t.equal(firesBetween(hourly, from, to, 2).length, 2)
  t.same(firesBetween(hourly, to, from, 100), [])
})

for (const [cron, timeZone, fault] of [
  ['61 * * * *', 'UTC', /not a cron expression/],
  ['* * * *', 'UTC', /not a cron expression/],
  ['hello there my old friend', 'UTC', /not a cron expression/],
  ['* * * * *', 'Mars/X', /not a time zone/],
  ['0 0 31 2 *', 'UTC', /never comes/],
] as const)
  t.test(`"${cron}" in ${timeZone} is refused`, async t => void t.match(calendarFault({ cron, timeZone }), fault))
t.test(
  'a right one is not',
  async t => void t.equal(calendarFault({ cron: '0 30 2 * * *', timeZone: 'Europe/Berlin' }), undefined),
)

const facts = (more: Partial<FireFacts> = {}): FireFacts => ({
  at: 0,
  now: 500,
  latest: true,
  open: 0,
  queued: 0,
  ...more,
})
const late = { now: 3_600_000 }
for (const [title, of, catchUp, overlap, kind] of [
  ['in time, nothing open', {}, 'none', 'skip', 'start'],
  ['a minute late is in time', { now: 60_000 }, 'none', 'skip', 'start'],
  ['late, and none are caught up', late, 'none', 'allow', 'missed'],
  ['late, the last one', late, 'latest', 'skip', 'start'],
  ['late, one before the last', { ...late, latest: false }, 'latest', 'allow', 'missed'],
  ['late, all are caught up', { ...late, latest: false }, 'all', 'allow', 'start'],
  ['one is open: another is allowed', { open: 1 }, 'latest', 'allow', 'start'],
  ['one is open: left out', { open: 1 }, 'latest', 'skip', 'skipped'],
  ['one is open: in the queue', { open: 1 }, 'latest', 'queue', 'queued'],
  ['one is open: replaced', { open: 1 }, 'latest', 'replace', 'start'],
  ['none is open, but some wait', { queued: 2 }, 'latest', 'queue', 'queued'],
  ['the queue is full', { open: 1, queued: 100 }, 'all', 'queue', 'skipped'],
] as const)
  t.test(`a fire ${title}: ${kind}`, async t => {
    const verdict = judgeFire(facts(of), catchUp, overlap)
    t.equal(verdict.kind, kind)
    if (verdict.kind === 'start') t.equal(verdict.replaces, overlap === 'replace')
    else t.match(verdict.reason, /\w/)
  })
