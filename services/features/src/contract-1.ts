// Contract 1 of features, served beside contract 2 until its sunset. Pure.

import { FeaturesInput, FeaturesOutput } from '@meshwork/contracts'
import type { EarlierMajor } from '@meshwork/kit'

/** `fitted` and `fitWhere` became the two ways of `fit`. */
export const contract1: EarlierMajor = {
  major: 1,
  input: FeaturesInput,
  output: FeaturesOutput,
  deprecated: '2026-11-23',
  sunset: '2027-11-30',
  toNewest: body => {
    const { fitted, fitWhere, ...rest } = body as Record<string, unknown>
    if (fitted !== undefined)
      return { ...rest, fit: { artefact: fitted, ...(fitWhere !== undefined && { where: fitWhere }) } }
    return fitWhere === undefined ? rest : { ...rest, fit: { where: fitWhere } }
  },
  fromNewest: output => output,
  pointers: [
    ['/fit/artefact', '/fitted'],
    ['/fit/where', '/fitWhere'],
  ],
}
