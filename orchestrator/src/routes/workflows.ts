import { createHash } from 'node:crypto'
import {
  canonicalJson,
  closest,
  Diagnostic,
  diagnosticsMax,
  MeshError,
  Page,
  Problem,
  type ProblemItem,
  sentence,
  Validation,
  WorkflowView,
} from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import { knownTo } from '../definition/known.ts'
import { type ReadDocument, readDocument, sourceBytesMax } from '../definition/read.ts'
import { planOf } from '../plan/plan.ts'
import { errorsOf, survey } from '../plan/survey.ts'
import type { Directory } from '../stage/directory.ts'
import type { Planner } from '../stage/planner.ts'
import type { WorkflowRow } from '../store/rows.ts'
import type { Workflows } from '../store/workflows.ts'

const WorkflowPage = Page(WorkflowView, 'WorkflowPage')
const WorkflowSource = Type.Object(
  { ...WorkflowView.properties, source: Type.String({ description: 'The document as it was sent.' }) },
  { additionalProperties: false, title: 'WorkflowSource' },
)
const Registered = Type.Object(
  {
    ...WorkflowView.properties,
    warnings: Type.Array(Diagnostic, {
      maxItems: diagnosticsMax,
      description: 'What cannot be told before a run; the workflow is registered all the same.',
    }),
  },
  { additionalProperties: false, title: 'RegisteredWorkflow' },
)
const named = Type.Object({ name: Type.String({ maxLength: 63, examples: ['flight-delays'] }) })
const tags = ['workflows']

export function workflowRoutes(app: App, workflows: Workflows, directory: Directory, planner: Planner): void {
  app.addContentTypeParser(
    ['application/yaml', 'text/yaml', 'application/x-yaml', 'text/x-yaml'],
    { parseAs: 'string', bodyLimit: sourceBytesMax },
    (_, body, done) => done(null, body),
  )

  app.post(
    '/v1/workflows',
    {
      bodyLimit: sourceBytesMax,
      schema: {
        operationId: 'registerWorkflow',
        tags,
        summary: 'Register a workflow, or its next version',
        description:
          'YAML (`application/yaml`) or JSON. Everything that is wrong with the document is told at once, with line and column.',
        body: Type.Unsafe<unknown>({ description: 'A workflow document.' }),
        response: { 200: Registered, 201: Registered, default: Problem },
      },
    },
    async (request, reply) => {
      const source = sourceOf(request.body)
      const read = readable(source)
      const { document, diagnostics, types } = await survey(
        read,
        await knownTo(read.value, directory, workflows),
        planner,
      )
      if (!document || errorsOf(diagnostics).length > 0) throw invalid(diagnostics)
      const hash = createHash('sha256').update(canonicalJson(document)).digest('hex')
      const plan = planOf(document, types)
      const { created, row } = await workflows.register({ document, source, hash, plan })
      return await reply
        .code(created ? 201 : 200)
        .header('location', `/v1/workflows/${row.name}/versions/${row.version}`)
        .send({ ...workflowView(row), warnings: [...diagnostics] })
    },
  )

  app.post(
    '/v1/workflows::validate',
    {
      bodyLimit: sourceBytesMax,
      schema: {
        operationId: 'validateWorkflow',
        tags,
        summary: 'Check a workflow without registering it',
        description:
          'YAML (`application/yaml`) or JSON. Names, types of expressions, every edge against the contracts of the stages, and the columns of every dataset, carried through the stages: everything at once, with its place and the other end.',
        body: Type.Unsafe<unknown>({ description: 'A workflow document.' }),
        response: { 200: Validation, default: Problem },
      },
    },
    async request => {
      const read = readDocument(sourceOf(request.body))
      if (read.kind === 'unreadable')
        return { valid: false, columns: 'not-checked' as const, diagnostics: read.items.map(unreadableDiagnostic) }
      const { document, diagnostics, columns } = await survey(
        read.document,
        await knownTo(read.document.value, directory, workflows),
        planner,
      )
      return {
        valid: document !== undefined && errorsOf(diagnostics).length === 0,
        ...(document && { name: document.name }),
        columns,
        diagnostics: [...diagnostics],
      }
    },
  )

  app.get(
    '/v1/workflows',
    {
      schema: {
        operationId: 'listWorkflows',
        tags,
        summary: 'List workflows, the newest version of each',
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
          cursor: Type.Optional(Type.String({ maxLength: 63, description: '`next` of the page before.' })),
        }),
        response: { 200: WorkflowPage, default: Problem },
      },
    },
    async request => {
      const { limit, cursor = '' } = request.query
      const rows = await workflows.list(cursor, limit)
      return { items: rows.map(workflowView), next: rows.length < limit ? null : (rows.at(-1)?.name ?? null) }
    },
  )

  app.get(
    '/v1/workflows/:name',
    {
      schema: {
        operationId: 'getWorkflow',
        tags,
        summary: 'The newest version of a workflow',
        params: named,
        response: { 200: WorkflowSource, default: Problem },
      },
    },
    async request => sourceView(await find(workflows, request.params.name)),
  )

  app.get(
    '/v1/workflows/:name/versions/:version',
    {
      schema: {
        operationId: 'getWorkflowVersion',
        tags,
        summary: 'A version of a workflow',
        params: Type.Object({ ...named.properties, version: Type.Integer({ minimum: 1 }) }),
        response: { 200: WorkflowSource, default: Problem },
      },
    },
    async request => sourceView(await find(workflows, request.params.name, request.params.version)),
  )
}

/** The version asked for, or the newest. Throws with the nearest name, or the newest version there is. */
export async function find(workflows: Workflows, workflow: string, version?: number): Promise<WorkflowRow> {
  const row = await workflows.get(workflow, version)
  if (row) return row
  const newest = version === undefined ? undefined : await workflows.get(workflow)
  if (newest)
    throw new MeshError('MESHWORK_WORKFLOW_VERSION_UNKNOWN', {
      workflow,
      version: version ?? 0,
      newest: newest.version,
    })
  const near = closest(workflow, await workflows.names())
  throw new MeshError('MESHWORK_WORKFLOW_UNKNOWN', {
    workflow,
    suggestion: near === undefined ? '' : ` (did you mean "${near}"?)`,
  })
}

const sourceOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body, null, 2))

export function readable(source: string): ReadDocument {
  const read = readDocument(source)
  if (read.kind === 'read') return read.document
  throw new MeshError(
    'MESHWORK_WORKFLOW_UNREADABLE',
    { format: 'YAML or JSON', problems: sentence(withoutPointers(read.items)) },
    { errors: read.items },
  )
}

const unreadableDiagnostic = ({ code = 'syntax', detail, line = 1, column = 1 }: ProblemItem): Diagnostic => ({
  severity: 'error',
  code,
  message: detail.replace(/^line \d+, column \d+: /, ''),
  pointer: '',
  line,
  column,
})

/** The errors; warnings do not keep a workflow from being registered. */
export function invalid(diagnostics: readonly Diagnostic[]): MeshError {
  const errors = errorsOf(diagnostics).map(({ pointer, code, message, line, column }) => ({
    pointer,
    code,
    detail: `line ${line}, column ${column}: ${message}`,
    line,
    column,
  }))
  const problems = sentence(withoutPointers(errors))
  const count = errors.length === 1 ? '1 fault' : `${errors.length} faults`
  return new MeshError('MESHWORK_WORKFLOW_INVALID', { count, problems }, { errors })
}

const withoutPointers = <T extends { detail: string }>(items: readonly T[]) =>
  items.map(({ detail }) => ({ pointer: '', detail }))

const workflowView = (row: WorkflowRow): WorkflowView => ({
  name: row.name,
  version: row.version,
  hash: row.hash,
  description: row.document.description ?? null,
  params: row.document.params ?? {},
  steps: row.plan.steps.map(({ name, stage, major, needs }) => ({ name, stage, major, needs: [...needs] })),
  createdAt: new Date(row.created_at).toISOString(),
})

const sourceView = (row: WorkflowRow) => ({ ...workflowView(row), source: row.source })
