import type { DeploymentView } from '@meshwork/contracts'
import { Gauge, type Registry } from 'prom-client'

/** Deployments of each stage as this orchestrator sees them, counted at a scrape. */
export function watchDeployments(registry: Registry, views: () => readonly DeploymentView[]): void {
  const gauge = new Gauge({
    name: 'meshwork_stage_deployments',
    help: 'Deployments of a stage, by their status as this orchestrator sees them.',
    labelNames: ['stage', 'status'],
    registers: [registry],
    collect: () => {
      gauge.reset()
      for (const { stage, status } of views()) gauge.inc({ stage, status })
    },
  })
}
