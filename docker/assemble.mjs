// node assemble.mjs SERVICE FOLDER: puts into FOLDER what a service needs to run, from an installed workspace, and
// nothing else: its own sources and those of the packages of ours that it uses, their dependencies for this platform,
// the models where it serves them, and a bill of materials.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { billOfMaterials } from './bill-of-materials.mjs'

const [service = '', out = ''] = process.argv.slice(2)
const folders = ['contracts', 'orchestrator', 'gateway', ...readdirSync('services').map(name => `services/${name}`)]
const manifests = new Map(
  folders.map(folder => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return [manifest.name, { folder, dependencies: manifest.dependencies ?? {} }]
  }),
)
const wanted = manifests.get(`@meshwork/${service}`)
if (!wanted || service === 'kit' || service === 'contracts') {
  const names = [...manifests.keys()].map(name => name.replace('@meshwork/', ''))
  throw new Error(
    `SERVICE is "${service}"; it is one of: ${names.filter(name => !/^(kit|contracts)$/.test(name)).join(', ')}`,
  )
}

const needed = new Set()
const need = ({ folder, dependencies }) => {
  needed.add(folder)
  for (const [name, version] of Object.entries(dependencies))
    if (version.startsWith('workspace:')) need(manifests.get(name))
}
need(wanted)

for (const folder of needed)
  for (const part of ['package.json', 'src', 'node_modules'])
    if (existsSync(join(folder, part))) copy(join(folder, part))
copy('package.json')
copy('node_modules')
if (service === 'inference') copy('models')
for (const script of ['ready.mjs', 'make-passwords.mjs']) cpSync(join('docker', script), join(out, script))
symlinkSync(wanted.folder, join(out, 'service'))
removeOtherPlatforms()
const manifest = JSON.parse(readFileSync(join(wanted.folder, 'package.json'), 'utf8'))
writeFileSync(join(out, 'bom.cdx.json'), `${JSON.stringify(billOfMaterials(out, manifest), null, 2)}\n`)

function copy(path) {
  mkdirSync(dirname(join(out, path)), { recursive: true })
  cpSync(path, join(out, path), { recursive: true, verbatimSymlinks: true })
}

/** onnxruntime carries every platform in one package; the others' packages hold one platform each. */
function removeOtherPlatforms() {
  const store = join(out, 'node_modules/.pnpm')
  for (const entry of readdirSync(store).filter(name => name.startsWith('onnxruntime-node@'))) {
    const bin = join(store, entry, 'node_modules/onnxruntime-node/bin')
    for (const api of readdirSync(bin))
      for (const platform of readdirSync(join(bin, api)))
        for (const arch of readdirSync(join(bin, api, platform)))
          if (platform !== process.platform || arch !== process.arch)
            rmSync(join(bin, api, platform, arch), { recursive: true })
  }
}
