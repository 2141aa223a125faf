// What the steps of a document can call: the stages of the mesh, and the workflows that it names.

import type { WorkflowDocument } from '@meshwork/contracts'
import { nameAmongStages, subPlansOf } from '../plan/sub-plan.ts'
import type { Directory } from '../stage/directory.ts'
import type { Workflows } from '../store/workflows.ts'
import type { StageContract } from '../typing/check-types.ts'
import { expand, type Schema } from '../typing/schema.ts'
import { paramSchema, scopeTypes } from '../typing/scope-types.ts'
import { typeOf } from '../typing/type-of.ts'
import { contractsOf, type KnownStage } from './check.ts'
import { readTemplate } from './template.ts'

type Known = readonly KnownStage[]
type Found = Pick<Workflows, 'get'>

export async function knownTo(
  document: unknown,
  directory: Pick<Directory, 'known'>,
  workflows: Found,
): Promise<Known> {
  return await withWorkflows(document, await directory.known(), workflows)
}

/** Of a version that is not there, the newest is: a message can name it. */
async function withWorkflows(document: unknown, stages: Known, workflows: Found): Promise<Known> {
  const contracts = new Map<string, Map<number, StageContract>>()
  for (const { workflow, version } of subPlansOf(document)) {
    const row = (await workflows.get(workflow, version)) ?? (await workflows.get(workflow))
    if (!row) continue
    // Its outputs may be made of those of workflows that it runs.
    const contract = workflowAsContract(row.document, await withWorkflows(row.document, stages, workflows))
    contracts.set(workflow, (contracts.get(workflow) ?? new Map<number, StageContract>()).set(row.version, contract))
  }
  const found = [...contracts].map(([name, of]) => ({
    name: nameAmongStages(name),
    majors: [...of.keys()],
    contracts: of,
  }))
  return [...stages, ...found]
}

/** A workflow as what a step can call: its parameters are the input, its outputs the answer. */
const workflowAsContract = (document: WorkflowDocument, stages: readonly KnownStage[]): StageContract => ({
  input: inputOf(document),
  output: outputOf(document, stages),
})

function inputOf({ params = {} }: WorkflowDocument): Schema {
  const entries = Object.entries(params)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, param]) => [name, paramSchema(param)])),
    required: entries.flatMap(([name, param]) => (param.default === undefined ? [name] : [])),
    additionalProperties: false,
  }
}

function outputOf(document: WorkflowDocument, stages: readonly KnownStage[]): Schema {
  const contractOf = contractsOf(document, stages)
  const types = scopeTypes(document, step => {
    const contract = contractOf(step)
    return contract && expand(contract.output)
  })
  return typeOf(readTemplate(document.outputs ?? {}, '', []), types)
}
