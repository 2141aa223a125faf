// What an expression asks Prometheus for.

import { parser } from '@prometheus-io/lezer-promql'

export interface Selector {
  readonly metric: string
  /** Labels that are matched. */
  readonly labels: readonly string[]
}

/** Values in place of Grafana's variables, wherever a query is read or carried out without it. */
export const withoutVariables = (expr: string, rateInterval = '1m'): string =>
  expr.replaceAll('$__rate_interval', rateInterval).replaceAll(/\$[a-z]+/g, '.*')

/** Throws a SyntaxError where the expression is not PromQL. */
export function selectorsOf(expr: string): readonly Selector[] {
  const text = withoutVariables(expr)
  const found: Selector[] = []
  parser.parse(text).iterate({
    enter: ({ type, from, node }) => {
      if (type.isError) throw new SyntaxError(`no PromQL from character ${from} on: ${text}`)
      if (type.name !== 'VectorSelector') return
      const name = node.getChild('Identifier')
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
      found.push({
        metric: name === null ? '' : text.slice(name.from, name.to),
        labels: matchers.flatMap(matcher => {
          const label = matcher.getChild('LabelName')
          return label === null ? [] : [text.slice(label.from, label.to)]
        }),
      })
    },
  })
  return found
}
