// OpenAPI 3.1 from the routes. A schema with a PascalCase title becomes a component of that name.

import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

export interface ApiInfo {
  readonly title: string
  readonly version: string
  readonly description: string
  readonly tags?: readonly { readonly name: string; readonly description: string }[]
  /** Makes the document that is served out of the service's own. */
  readonly document?: (own: object) => Promise<object>
}

type Tree = { [key: string]: unknown }

export async function useOpenApi(app: FastifyInstance, info: ApiInfo): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: info.title,
        version: info.version,
        description: info.description,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      security: [], // there is no authentication yet
      tags: (info.tags ?? []).map(tag => ({ ...tag })),
    },
  })
  let own: object | undefined
  const document = async (): Promise<object> => {
    own ??= hoist(app.swagger() as unknown as Tree)
    return (await info.document?.(own)) ?? own
  }
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiHooks: {
      // The page shows the document that is served, which may be more than this service's own.
      preHandler: (request, reply, done) => {
        if (request.routeOptions.url !== '/docs/json') return done()
        document().then(
          found => void reply.send(found),
          (error: unknown) => done(error as Error),
        )
      },
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, document)
}

const componentName = /^[A-Z][A-Za-z0-9]*$/

const namesToSchemas = new Set(['properties', 'patternProperties', 'responses', 'content', 'paths', 'headers'])
/** Values, and parameters: those have lost to their parameter what made the schema equal to others of its title. */
const asItIs = new Set(['default', 'example', 'examples', 'const', 'enum', 'parameters'])

/**
 * Moves every titled schema into components.schemas and leaves a reference; two that share a title must be equal.
 * Answers with a Problem get the media type of problems.
 */
export function hoist(document: Tree): Tree {
  const schemas: Record<string, unknown> = {}
  const walk = (node: unknown, isMap: boolean): unknown => {
    if (Array.isArray(node)) return node.map(item => walk(item, false))
    if (node === null || typeof node !== 'object') return node
    const inner = Object.fromEntries(
      Object.entries(node).map(([key, value]) => [
        key,
        !isMap && asItIs.has(key) ? value : walk(value, !isMap && namesToSchemas.has(key)),
      ]),
    )
    const { title } = node as Tree
    if (isMap || typeof title !== 'string' || !componentName.test(title) || !isSchema(node as Tree))
      return asProblem(inner)
    const known = schemas[title]
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(inner))
      throw new Error(`two different schemas have the title ${title}`)
    schemas[title] = inner
    return { $ref: `#/components/schemas/${title}` }
  }
  const paths = refusals(walk(document['paths'], true) as Tree)
  const components = (document['components'] ?? {}) as Tree
  return {
    ...document,
    paths,
    components: { ...components, schemas: { ...(components['schemas'] as Tree), ...sorted(schemas) } },
  }
}

/** What an operation answers to whatever it does not answer otherwise, it answers to requests that it refuses. */
function refusals(paths: Tree): Tree {
  const withRefusals = (operation: unknown) => {
    const { responses } = operation as { responses?: Tree }
    if (!responses?.['default']) return operation
    return { ...(operation as Tree), responses: { '4XX': responses['default'], ...responses } }
  }
  return Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [
      path,
      Object.fromEntries(Object.entries(item as Tree).map(([method, operation]) => [method, withRefusals(operation)])),
    ]),
  )
}

function asProblem(node: Tree): Tree {
  const json = node['application/json'] as { schema?: { $ref?: string } } | undefined
  return json?.schema?.$ref === '#/components/schemas/Problem' ? { 'application/problem+json': json } : node
}

const isSchema = (node: Tree): boolean => ['type', 'anyOf', 'allOf', 'enum', 'const', '$ref'].some(key => key in node)
const sorted = (map: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)))
