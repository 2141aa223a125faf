// A name is resolved once; every address it has must be allowed, and the connection goes to one of exactly those, so that a
// name cannot change its answer between the check and the connection.

import { lookup as resolveName } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'

export type Resolve = (name: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

export const resolveAll: Resolve = async name => await resolveName(name, { all: true, verbatim: true })

/** A lookup for connections; `check` throws for an address that is not allowed. */
export function lookupThrough(resolve: Resolve, check: (address: string) => void): LookupFunction {
  const checked = async (name: string) => {
    const addresses = await resolve(name)
    for (const { address } of addresses) check(address)
    return addresses
  }
  return (name, options, done) => {
    const answer = (addresses: Awaited<ReturnType<Resolve>>) => {
      const [first] = addresses
      if (first === undefined) done(Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' }), [])
      else if (options.all) done(null, [...addresses])
      else done(null, first.address, first.family)
    }
    const fail = (error: Error) => done(error, [])
    checked(name).then(answer, fail)
  }
}
