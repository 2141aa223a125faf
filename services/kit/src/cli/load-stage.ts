import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { closest } from '@meshwork/contracts'
import type { Stage } from '../stage/define.ts'

const services = new URL('../../../', import.meta.url)

export interface LoadedStage {
  readonly stage: Stage
  readonly module: string
}

/** Names of the stages of this repository. */
export async function stageNames(): Promise<string[]> {
  const entries = await readdir(fileURLToPath(services), { withFileTypes: true })
  return entries.filter(entry => entry.isDirectory() && entry.name !== 'kit').map(({ name }) => name)
}

/** A stage of this repository by its name, or of a file that exports `stage`. Throws a TypeError with the way out. */
export async function loadStage(name: string, file?: string): Promise<LoadedStage> {
  const module = file === undefined ? new URL(`${name}/src/stage.ts`, services).href : pathToFileURL(resolve(file)).href
  const names = await stageNames()
  if (file === undefined && !names.includes(name)) {
    const near = closest(name, names)
    throw new TypeError(
      `there is no stage "${name}"${near === undefined ? '' : `; did you mean "${near}"?`} Stages are: ${names.join(', ')}. For one of yours give --module file.ts.`,
    )
  }
  const { stage } = (await import(module)) as { stage?: Stage }
  if (!stage) throw new TypeError(`${file ?? name} does not export "stage" (export const stage = defineStage({ … }))`)
  return { stage, module }
}
