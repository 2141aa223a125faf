// The options of a command: read, or told in one line with what there is.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

/** Ends the process with exit code 2, which is for a command that was called wrongly. */
export function wrongCall(command: string, fault: string): never {
  console.error(`${command}: ${fault}`)
  process.exit(2)
}

export function readOptions<const T extends ParseArgsOptionsConfig>(command: string, options: T) {
  try {
    return parseArgs({ options, args: process.argv.slice(2), strict: true, allowPositionals: false }).values
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // Node adds advice on positional arguments, which there are none of.
    const fault = error.message.split(/\.\s|\n/)[0]
    const known = Object.keys(options).map(name => `--${name}`)
    return wrongCall(command, `${fault}; its options are: ${known.join(', ')}`)
  }
}
