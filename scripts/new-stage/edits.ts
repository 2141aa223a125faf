// Where a stage is named outside its own folder, and how its name comes there: beside that of the last stage. Pure.

export interface Names {
  readonly name: string
  /** The stage that stands last so far. */
  readonly last: string
}

export interface Edit {
  readonly file: string
  readonly change: (text: string, names: Names) => string
}

/** The same place once more, for the new stage. Throws where it is not found, rather than leave the tree half done. */
const after =
  (place: (last: string) => string, addition: (name: string) => string, everywhere = false) =>
  (text: string, { name, last }: Names): string => {
    const found = place(last)
    if (!text.includes(found))
      throw new Error(`"${found.trim()}" is not there any more; see scripts/new-stage/edits.ts`)
    return everywhere
      ? text.replaceAll(found, found + addition(name))
      : text.replace(found, () => found + addition(name))
  }

/** Several changes of one file, one after the other. */
const all =
  (...changes: readonly Edit['change'][]): Edit['change'] =>
  (text, names) =>
    changes.reduce((changed, change) => change(changed, names), text)

/** `…, report]` becomes `…, report, NAME]`. */
const inList = (prefix = ''): Edit['change'] =>
  after(
    last => `, ${prefix}${last}`,
    name => `, ${prefix}${name}`,
    true,
  )

const inAddresses: Edit['change'] = after(
  last => `${last}=http://${last}:8080`,
  name => `,${name}=http://${name}:8080`,
)

/** The last block of a file, once more. */
const lastBlock =
  (separator: string): Edit['change'] =>
  (text, { name, last }) => {
    const block = text.slice(text.lastIndexOf(separator))
    if (!block.includes(last)) throw new Error(`the last block is not of ${last}; see scripts/new-stage/edits.ts`)
    return text + block.replaceAll(last, name)
  }

const composeService: Edit['change'] = (text, { name, last }) => {
  const begin = text.indexOf(`\n  ${last}:\n    <<: *stage\n`) + 1
  const end = text.indexOf(`    networks: [to-${last}]\n`) + `    networks: [to-${last}]\n`.length
  if (begin === 0 || end <= begin)
    throw new Error(`the service ${last} is not there any more; see scripts/new-stage/edits.ts`)
  return text.slice(0, end) + text.slice(begin, end).replaceAll(last, name) + text.slice(end)
}

const image: Edit['change'] = (text, { name, last }) => {
  const line = text.split('\n').find(one => one.includes(`name: meshwork/${last},`))
  if (line === undefined) throw new Error(`the image of ${last} is not there any more; see scripts/new-stage/edits.ts`)
  return text.replace(`${line}\n`, () => `${line}\n${line.replaceAll(last, name)}\n`)
}

/** The least that production asks for: two pods more, as the page on Kubernetes says of a stage. */
const sizing: Edit['change'] = text =>
  text.replace(
    /(`production` asks for )([\d.]+)( cores and )(\d+)( GiB at the least)/,
    (_, a: string, cores: string, b: string, gib: string, c: string) =>
      `${a}${Number(cores) + 2}${b}${Number(gib) + 6}${c}`,
  )

const ci = [
  '.github/workflows/ci.yml',
  '.github/workflows/release.yml',
  '.gitlab-ci.yml',
  'docker/prometheus/prometheus.yml',
]
const overlays = ['ci', 'dev', 'staging', 'production']

export const edits: readonly Edit[] = [
  {
    file: 'launcher/src/mesh.ts',
    change: after(
      last => `  '${last}',\n`,
      name => `  '${name}',\n`,
    ),
  },
  {
    file: 'docker-compose.yml',
    change: all(
      inAddresses,
      inList('to-'),
      after(
        last => `      ${last}: { condition: service_healthy }\n`,
        name => `      ${name}: { condition: service_healthy }\n`,
      ),
      composeService,
      after(
        last => `  to-${last}: { internal: true }\n`,
        name => `  to-${name}: { internal: true }\n`,
      ),
    ),
  },
  ...ci.map(file => ({ file, change: inList() })),
  {
    file: 'k8s/base/kustomization.yaml',
    change: all(
      inAddresses,
      after(
        last => `  - ${last}\n`,
        name => `  - ${name}\n`,
      ),
    ),
  },
  { file: 'docs/install/kubernetes.md', change: sizing },
  { file: 'k8s/components/hpa-stages/autoscalers.yaml', change: lastBlock('---\n') },
  { file: 'k8s/components/keda-stages/autoscalers.yaml', change: lastBlock('---\n') },
  ...overlays.map(overlay => ({ file: `k8s/overlays/${overlay}/kustomization.yaml`, change: image })),
]

/** The stages that there are, from the text of the launcher. */
export function stagesOf(launcher: string): string[] {
  const list = /export const stageNames = \[([^\]]*)\]/.exec(launcher)?.[1] ?? ''
  return [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name).filter(name => name !== undefined)
}
