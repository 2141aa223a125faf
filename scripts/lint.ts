import { command } from './command.ts'

process.exitCode = command('oxlint', '--deny-warnings') || command('biome', 'format')
