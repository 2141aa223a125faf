// Runs in processes of its own: expressions of users do not run beside the models. A process keeps the programs that it
// has prepared, the longest unused goes first.

import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MeshError } from '@meshwork/contracts'
import { defineStage, FeatureProgram, parseFitted, readFitted, type StageContext } from '@meshwork/kit'
import Type from 'typebox'
import { type InputPlan, planInputs } from '../table/inputs.ts'
import { readInputs } from './inputs.ts'
import type { FeaturesAt, FeatureWork, MadeInput } from './messages.ts'

const programsMax = 8
const programs = new Map<string, Promise<FeatureProgram>>()

/** Not a stage of the mesh: it takes what `FeatureWork` says, from the service that started it. */
export const stage = defineStage({
  name: 'inference-features',
  version: '1.0.0',
  summary: 'Makes the inputs of a model from records.',
  input: Type.Unsafe<FeatureWork>({}),
  output: Type.Unsafe<readonly MadeInput[]>({}),
  run: async (work, context) => {
    const program = await programOf(work, context)
    const plan = planOf(program, work)
    return await program.select(work.records, { names: plan.names, list: plan.select }, async chunks =>
      readInputs(chunks, plan, work.records.length),
    )
  },
})

async function programOf({ features, columns }: FeatureWork, context: StageContext): Promise<FeatureProgram> {
  const at = features === undefined ? '' : features.kind === 'file' ? features.key : features.ref.hash
  const key = JSON.stringify([at, columns])
  const program = programs.get(key) ?? open(features, columns, context)
  programs.delete(key)
  programs.set(key, program)
  program.catch(() => programs.delete(key))
  for (const [oldest, closing] of programs) {
    if (programs.size <= programsMax) break
    programs.delete(oldest)
    await closing.then(
      old => old.close(),
      () => {},
    )
  }
  return await program
}

async function open(
  features: FeaturesAt | undefined,
  columns: FeatureWork['columns'],
  { store, scratch, resources }: StageContext,
): Promise<FeatureProgram> {
  const fitted =
    features === undefined
      ? undefined
      : features.kind === 'file'
        ? parseFitted(await readFile(features.path, 'utf8'), features.key)
        : await readFitted(store, features.ref)
  // Beside the folder of the call, which ends before the program does.
  const spill = join(dirname(scratch), `features-${process.pid}`)
  return await FeatureProgram.open({ columns, fitted, scratch: spill, memoryBytes: resources.memoryBytes / 4 })
}

/** Where an input is missing because a feature could not be made, the reason is told: it names what the records lack. */
function planOf(program: FeatureProgram, { inputs, asked, model }: FeatureWork): InputPlan {
  try {
    return planInputs({ inputs, outputs: [], batch: undefined }, asked, program.columns, model)
  } catch (error) {
    const missing = error instanceof MeshError && error.code === 'MESHWORK_COLUMN_MISSING'
    throw missing && program.left !== undefined ? program.left : error
  }
}
