// When a schedule fires. Pure. Croner does the calendar, daylight saving included: a time of day that is left out fires at
// the end of the gap, one that comes twice fires the first time, and intervals ("*/15") go on through both.

import { Cron } from 'croner'

export interface Calendar {
  readonly cron: string
  /** Default: UTC. */
  readonly timeZone?: string
}

/** What is wrong with it, or nothing. */
export function calendarFault({ cron, timeZone = 'UTC' }: Calendar): string | undefined {
  try {
    const next = open({ cron, timeZone }).nextRun(new Date())
    return next === null ? `"${cron}" never comes` : undefined
  } catch (error) {
    const { message } = error as Error
    if (/timezone/i.test(message)) return `"${timeZone}" is not a time zone (as Europe/Berlin)`
    return `"${cron}" is not a cron expression: ${message.replace(/^CronPattern: /, '')}`
  }
}

/** The first fire after a time; nothing when there is none. */
export const nextFire = (calendar: Calendar, after: Date): Date | undefined =>
  open(calendar).nextRun(after) ?? undefined

export const nextFires = (calendar: Calendar, after: Date, count: number): Date[] =>
  open(calendar).nextRuns(count, after)

/** Fires from one time to another, both included, at most so many. */
export function firesBetween(calendar: Calendar, from: Date, to: Date, max: number): Date[] {
  const cron = open(calendar)
  const found: Date[] = []
  let at = cron.nextRun(new Date(from.getTime() - 1))
  while (at !== null && at <= to && found.length < max) {
    found.push(at)
    at = cron.nextRun(at)
  }
  return found
}

const open = ({ cron, timeZone = 'UTC' }: Calendar): Cron =>
  new Cron(cron, { timezone: timeZone, paused: true, mode: '5-or-6-parts' })
