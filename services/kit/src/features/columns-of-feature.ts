// The columns of a feature, before it is made. Pure.

import type { Column, Fitted } from '@meshwork/contracts'
import { categoryNames } from './category-names.ts'
import { datePart } from './date-part.ts'
import type { Prepared } from './feature.ts'

/** undefined where they depend on data: the categories of a one-hot feature that is not fitted yet. */
export function columnsOfFeature(prepared: Prepared, fitted: Fitted | undefined): readonly Column[] | undefined {
  const { feature, column, expression } = prepared
  const { name, spec } = feature
  switch (spec.kind) {
    case 'expression':
      return [{ name, type: spec.type ?? expression?.type ?? 'string' }]
    case 'datePart':
      return column && [{ name, type: datePart(spec, column).type }]
    case 'oneHot':
      return fitted && categoryNames(name, categoriesOf(fitted)).map(category => ({ name: category, type: 'float32' }))
    case 'ordinal':
    case 'frequency':
    case 'target':
    case 'standard':
    case 'minMax':
    case 'bins':
    case 'rolling':
      return [{ name, type: spec.type ?? 'float32' }]
  }
}

/** Categories in the order of their numbers. */
export const categoriesOf = ({ categories = {} }: Fitted): string[] =>
  Object.entries(categories)
    .sort(([, a], [, b]) => a - b)
    .map(([category]) => category)
