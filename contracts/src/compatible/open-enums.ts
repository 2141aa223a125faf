// Values of an answer that may grow: an enum marked `x-extensible-enum` promises its type, and callers take a value that
// they do not know as such. Unmarked, a new value breaks them.

const opened = new WeakMap<object, unknown>()

/** The same document with such enums opened: any value of their type. */
export function openEnums<T>(node: T): T {
  if (typeof node !== 'object' || node === null) return node
  const known = opened.get(node)
  if (known !== undefined) return known as T
  const copy = Array.isArray(node) ? node.map(openEnums) : openObject(node)
  opened.set(node, copy)
  return copy as T
}

function openObject(node: object): object {
  const extensible = 'enum' in node && 'x-extensible-enum' in node && node['x-extensible-enum'] === true
  const entries = Object.entries(node).filter(([key]) => !(extensible && key === 'enum'))
  return Object.fromEntries(entries.map(([key, value]) => [key, openEnums(value)]))
}
