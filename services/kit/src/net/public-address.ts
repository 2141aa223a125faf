// Which addresses a URL may lead to: public unicast ones. Everything that routes inside the machine, its network or
// its cloud (metadata services among them) is refused, also when it is written as IPv4 inside IPv6.

import { BlockList, isIP } from 'node:net'

const ipv4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const
const ipv6 = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const

// One list each: a list takes an IPv4 address for its form inside IPv6, which is refused as a whole.
const refused = { ipv4: new BlockList(), ipv6: new BlockList() }
for (const [network, prefix] of ipv4) refused.ipv4.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of ipv6) refused.ipv6.addSubnet(network, prefix, 'ipv6')

/** Whether an IP address (no name) is a public one. A zone (`%eth0`) makes it local. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  return !refused[kind].check(address, kind)
}
