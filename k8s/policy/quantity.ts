const factors: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** The number of a quantity of Kubernetes: bytes of "512Mi", cores of "250m". Throws a TypeError for what is none. */
export function quantity(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]{0,2})$/.exec(text) ?? []
  const factor = factors[unit]
  if (number === undefined || factor === undefined) throw new TypeError(`"${text}" is no quantity`)
  return Number(number) * factor
}
