import { serveStage } from '@meshwork/kit'
import { stage } from './stage.ts'

await serveStage(stage, { module: new URL('./stage.ts', import.meta.url) })
