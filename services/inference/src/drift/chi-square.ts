// The chi-square distribution, by the approximation of Wilson and Hilferty (1931): its cube root is nearly normal. Good
// to three digits from two degrees of freedom on, which is finer than any threshold set by it. Pure.

const spread = (df: number) => 2 / (9 * df)

/** What a chi-square variable stays below with probability 1 - alpha. */
export function chiSquareQuantile(df: number, alpha: number): number {
  return df * Math.max(0, 1 - spread(df) + normalQuantile(1 - alpha) * Math.sqrt(spread(df))) ** 3
}

/** The probability that a chi-square variable is above x. */
export function chiSquareAbove(df: number, x: number): number {
  if (x <= 0) return 1
  return normalAbove((Math.cbrt(x / df) - (1 - spread(df))) / Math.sqrt(spread(df)))
}

/** Abramowitz and Stegun 26.2.17, to 7.5e-8. */
export function normalAbove(z: number): number {
  if (z < 0) return 1 - normalAbove(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (tail * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}

/** By bisection: it is asked for once in a window. */
export function normalQuantile(probability: number): number {
  let [low, high] = [-10, 10]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (1 - normalAbove(middle) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}
