import { Gauge, type Registry } from 'prom-client'

/** Calls that wait because their stage has a limit, counted at a scrape. */
export function watchStageCalls(registry: Registry, waiting: () => ReadonlyMap<string, number>): void {
  const gauge = new Gauge({
    name: 'meshwork_stage_limited_calls',
    help: 'Calls of a stage with a limit that wait here for a place or their turn.',
    labelNames: ['stage'],
    registers: [registry],
    collect: () => {
      gauge.reset()
      for (const [stage, count] of waiting()) gauge.set({ stage }, count)
    },
  })
}
