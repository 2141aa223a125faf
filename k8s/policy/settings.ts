// What the services are told is what they know: a service that is told anything else does not start.

import type { TObject } from 'typebox'
import { GatewayConfig } from '../../gateway/src/config.ts'
import { stageNames } from '../../launcher/src/mesh.ts'
import { OrchestratorConfig } from '../../orchestrator/src/config.ts'
import { readConfig } from '../../services/kit/src/config/read-config.ts'
import { foreignSettings, StageConfig } from '../../services/kit/src/config/service-config.ts'
import { settingsOf } from './edges.ts'
import { type Container, type KubernetesObject, type Workload, workloadsOf } from './objects.ts'

export const services: readonly string[] = [...stageNames, 'orchestrator', 'gateway']

const schemaOf = (name: string): TObject =>
  name === 'orchestrator' ? OrchestratorConfig : name === 'gateway' ? GatewayConfig : StageConfig

/** A step before a service knows of the database what the service knows. */
function stepFaults({ name, pod }: Workload): string[] {
  const [main] = pod.containers
  return (pod.initContainers ?? []).flatMap(step => {
    const databaseOf = ({ env = [] }: Container) =>
      JSON.stringify(env.filter(variable => variable.name.startsWith('MESHWORK_DATABASE_')))
    const faults: string[] = []
    if (main && databaseOf(step) !== databaseOf(main)) faults.push('another database')
    if (main && step.image !== main.image) faults.push(`another image, ${step.image}`)
    return faults.map(fault => `${name}: the step "${step.name}" has ${fault}`)
  })
}

/** Reads the settings of every service as the service does; files of secrets are taken to hold what fits. */
export function settingFaults(objects: readonly KubernetesObject[]): string[] {
  return workloadsOf(objects)
    .filter(({ name }) => services.includes(name))
    .flatMap(workload => {
      const settings = settingsOf(workload, objects)
      const others = workload.name === 'orchestrator' ? [/^MESHWORK_STORE_URL$/] : []
      const environment: Record<string, string> = {}
      for (const [key, value] of Object.entries(settings)) if (!key.endsWith('_FILE')) environment[key] = value
      const known = schemaOf(workload.name).properties
      const unknownFiles = Object.keys(settings).filter(
        key => key.startsWith('MESHWORK_') && key.endsWith('_FILE') && !(key.replace(/_FILE$/, '') in known),
      )
      const faults = [
        ...unknownFiles.map(key => `${workload.name}: ${key} is no setting of it`),
        ...stepFaults(workload),
      ]
      try {
        readConfig(schemaOf(workload.name), environment, [...foreignSettings, ...others])
        return faults
      } catch (error) {
        return [...faults, `${workload.name}: ${(error as Error).message}`]
      }
    })
}
