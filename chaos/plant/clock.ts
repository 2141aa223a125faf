// The wall clock of a process, which its parent may move. The steady clock (performance.now, timers) goes on, as it does
// when an operator or NTP sets the time.

export interface ClockMessage {
  readonly clockMs: number
}

export function plantClock(): void {
  let offsetMs = 0
  const { now } = Date
  globalThis.Date = new Proxy(Date, {
    construct: (date, args: [], target) =>
      Reflect.construct(date, args.length === 0 ? [now() + offsetMs] : args, target) as object,
    get: (date, name, receiver) => (name === 'now' ? () => now() + offsetMs : Reflect.get(date, name, receiver)),
  })
  process.on('message', (message: Partial<ClockMessage>) => {
    offsetMs = message.clockMs ?? offsetMs
  })
  // Listening alone keeps no process from ending.
  process.channel?.unref()
}
