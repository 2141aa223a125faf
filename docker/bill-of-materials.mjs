// The packages in a folder as a CycloneDX 1.6 document, sorted, so that equal folders have equal documents.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `folder` holds node_modules/.pnpm; `service` is the package.json of the service in it. */
export function billOfMaterials(folder, service) {
  const packages = new Map()
  for (const path of manifestsBelow(join(folder, 'node_modules/.pnpm'))) {
    const { name, version, license } = JSON.parse(readFileSync(path, 'utf8'))
    packages.set(`${name}@${version}`, component('library', name, version, license))
  }
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: component('application', service.name, service.version, service.license) },
    components: [
      {
        type: 'platform',
        'bom-ref': `node@${process.versions.node}`,
        name: 'node',
        version: process.versions.node,
        purl: `pkg:generic/node@${process.versions.node}`,
      },
      ...[...packages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found),
    ],
  }
}

/** In pnpm's layout each package lies once, at .pnpm/<id>/node_modules/<name>; what stands beside it are links. */
function* manifestsBelow(store) {
  for (const id of readdirSync(store)) {
    if (id === 'node_modules' || id === 'lock.yaml') continue
    const modules = join(store, id, 'node_modules')
    for (const entry of readdirSync(modules, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      if (!entry.name.startsWith('@')) yield join(modules, entry.name, 'package.json')
      else
        for (const scoped of readdirSync(join(modules, entry.name), { withFileTypes: true }))
          if (scoped.isDirectory()) yield join(modules, entry.name, scoped.name, 'package.json')
    }
  }
}

function component(type, name, version, license) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  const known = typeof license === 'string' && license !== ''
  // What is no plain identifier ("MIT OR Apache-2.0", "SEE LICENSE IN …") is said as it stands.
  const licenses = !known
    ? []
    : /^[A-Za-z0-9.-]+$/.test(license)
      ? [{ license: { id: license } }]
      : / (OR|AND|WITH) /.test(license)
        ? [{ expression: license }]
        : [{ license: { name: license } }]
  return { type, 'bom-ref': purl, name, version, purl, ...(known ? { licenses } : {}) }
}
