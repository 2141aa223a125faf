// A deployment of a stage is to be replaced: what of its contracts would break for those who call it? Pure.

import type { StageInfo } from '../protocol/stage.ts'
import { breaking, type ContractFinding } from './finding.ts'
import { schemaChanges } from './schema.ts'

/** Contracts of the older one that the newer does not keep. Nothing is said of what does not break. */
export function breaks(older: StageInfo, newer: StageInfo): ContractFinding[] {
  const served = newer.contracts.map(({ major }) => major).sort((a, b) => a - b)
  return older.contracts.flatMap(contract => {
    const name = `${older.name}@${contract.major}`
    const now = newer.contracts.find(({ major }) => major === contract.major)
    if (older.name !== newer.name || !now) {
      const left = served.map(major => `${newer.name}@${major}`).join(', ')
      return [breaking('major-removed', name, `is no longer served; ${newer.name} ${newer.version} serves ${left}`)]
    }
    const sides = (part: 'input' | 'output') => ({
      older: { schema: contract[part], root: contract[part] },
      newer: { schema: now[part], root: now[part] },
    })
    return [
      ...schemaChanges({ direction: 'request', subject: 'input', where: `${name} input`, ...sides('input') }),
      ...schemaChanges({ direction: 'response', subject: 'output', where: `${name} output`, ...sides('output') }),
    ].filter(({ level }) => level === 'breaking')
  })
}
