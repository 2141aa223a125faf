import { command } from './command.ts'

process.exitCode = command('biome', 'format', '--write')
