import { WorkflowDocument } from '@meshwork/contracts'

/** JSON Schema of workflow files, for editors: without titles, which they show as noise. */
export function workflowSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...(WorkflowDocument as object),
    title: 'Meshwork workflow',
    description: 'A workflow of Meshwork. Steps run in the order of their references.',
  }
}
