import { command } from './command.ts'

process.exitCode = command('tsc', '-p', 'tsconfig.json')
