// Order of steps from what they need. Pure.

export type Order =
  | { readonly kind: 'ordered'; readonly names: readonly string[] }
  | { readonly kind: 'cycle'; readonly names: readonly string[] }

/** Steps so that each comes after what it needs; among those that could come next, the first of the document. */
export function orderOf(needs: ReadonlyMap<string, readonly string[]>): Order {
  const left = new Map([...needs].map(([name, before]) => [name, before.filter(other => needs.has(other)).length]))
  const after = new Map<string, string[]>([...needs.keys()].map(name => [name, []]))
  for (const [name, before] of needs) for (const other of before) after.get(other)?.push(name)
  const place = new Map([...needs.keys()].map((name, i) => [name, i]))
  const ready = [...needs.keys()].filter(name => left.get(name) === 0)
  const names: string[] = []
  for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
    names.push(next)
    for (const name of after.get(next) ?? []) {
      const count = (left.get(name) as number) - 1
      left.set(name, count)
      if (count === 0) insert(ready, name, place)
    }
  }
  if (names.length === needs.size) return { kind: 'ordered', names }
  return { kind: 'cycle', names: cycleIn(needs, new Set(names)) }
}

function insert(ready: string[], name: string, place: ReadonlyMap<string, number>): void {
  const at = ready.findIndex(other => (place.get(other) as number) > (place.get(name) as number))
  if (at < 0) ready.push(name)
  else ready.splice(at, 0, name)
}

function cycleIn(needs: ReadonlyMap<string, readonly string[]>, done: ReadonlySet<string>): string[] {
  const path: string[] = []
  let name = [...needs.keys()].find(candidate => !done.has(candidate))
  while (name !== undefined && !path.includes(name)) {
    path.push(name)
    name = needs.get(name)?.find(other => needs.has(other) && !done.has(other))
  }
  return name === undefined ? path : [...path.slice(path.indexOf(name)), name]
}
