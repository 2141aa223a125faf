// Names under which the items of a step are kept beside the steps of a run: each[3]. No step can be called so. Pure.

export interface ItemPlace {
  readonly step: string
  readonly index: number
}

export const itemName = (step: string, index: number): string => `${step}[${index}]`

/** undefined for the name of a step. */
export function itemPlace(name: string): ItemPlace | undefined {
  if (!name.endsWith(']')) return undefined
  const at = name.lastIndexOf('[')
  return { step: name.slice(0, at), index: Number(name.slice(at + 1, -1)) }
}
