import type { Board } from './board.ts'
import { gateway } from './gateway.ts'
import { inference } from './inference.ts'
import { node } from './node.ts'
import { orchestrator } from './orchestrator.ts'
import { overview } from './overview.ts'
import { quality } from './quality.ts'
import { run } from './run.ts'
import { stage } from './stage.ts'
import { workflow } from './workflow.ts'

export const boards: readonly Board[] = [
  overview,
  workflow,
  run,
  stage,
  inference,
  quality,
  orchestrator,
  gateway,
  node,
]
