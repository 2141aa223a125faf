// One OpenAPI document out of those of the services. Pure.

type Tree = { [key: string]: unknown }

export interface Part {
  readonly service: string
  readonly document: Tree
  /** Which paths of the service the gateway has, and as what. */
  readonly rename: (path: string) => string | undefined
}

export class PathCollision extends Error {
  override readonly name = 'PathCollision'
}

/**
 * The gateway's own document with the paths of the services. Components that are equal are shared; one that has a name
 * in use for something else gets the name of its service before its own. Operation ids are made unique the same way.
 */
export function mergeOpenApi(own: Tree, parts: readonly Part[]): Tree {
  const paths: Tree = { ...(own['paths'] as Tree) }
  const owner = new Map(Object.keys(paths).map(path => [path, 'gateway']))
  const schemas: Tree = { ...((own['components'] as Tree | undefined)?.['schemas'] as Tree) }
  const operations = new Set<string>()
  for (const { service, document, rename } of parts) {
    const components = ((document['components'] as Tree | undefined)?.['schemas'] ?? {}) as Tree
    const names = new Map<string, string>()
    for (const [name, schema] of Object.entries(components)) {
      const taken = schemas[name]
      names.set(
        name,
        taken === undefined || JSON.stringify(taken) === JSON.stringify(schema) ? name : `${capital(service)}${name}`,
      )
    }
    const moved = (node: unknown) => withReferences(node, names)
    for (const [name, schema] of Object.entries(components)) schemas[names.get(name) as string] = moved(schema)
    for (const [path, item] of Object.entries(document['paths'] as Tree)) {
      const place = rename(path)
      if (place === undefined) continue
      const other = owner.get(place)
      if (other !== undefined) throw new PathCollision(`${place} is a path of ${other} and of ${service}`)
      owner.set(place, service)
      paths[place] = withOperationIds(moved(item) as Tree, service, operations)
    }
  }
  const tags = [own, ...parts.map(({ document }) => document)].flatMap(
    document => (document['tags'] ?? []) as { name: string }[],
  )
  const unique = [...new Map(tags.map(tag => [tag.name, tag])).values()]
  return {
    ...own,
    tags: unique,
    paths: sorted(paths),
    components: { ...(own['components'] as Tree), schemas: sorted(schemas) },
  }
}

function withReferences(node: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(node)) return node.map(item => withReferences(item, names))
  if (node === null || typeof node !== 'object') return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => {
      const name = key === '$ref' && typeof value === 'string' ? value.replace('#/components/schemas/', '') : undefined
      return [
        key,
        name !== undefined && names.has(name)
          ? `#/components/schemas/${names.get(name)}`
          : withReferences(value, names),
      ]
    }),
  )
}

function withOperationIds(item: Tree, service: string, taken: Set<string>): Tree {
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      const id = (operation as Tree)['operationId'] as string | undefined
      if (id === undefined) return [method, operation]
      const unique = taken.has(id) ? `${service}${capital(id)}` : id
      taken.add(unique)
      return [method, { ...(operation as Tree), operationId: unique }]
    }),
  )
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
const sorted = (tree: Tree): Tree => Object.fromEntries(Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1)))
