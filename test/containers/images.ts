// Promises about the images, before anything runs.

import { stageNames } from '../../launcher/src/mesh.ts'
import { billChecker } from './bill.ts'
import type { Project } from './docker.ts'
import type { Findings } from './findings.ts'

export const services = [...stageNames, 'orchestrator', 'gateway'] as const

const megabyte = 1_000_000
const bytesMax = { plain: 350 * megabyte, withOnnxRuntime: 450 * megabyte }

interface Image {
  readonly Size: number
  readonly Config: {
    readonly User: string
    readonly Cmd: readonly string[] | null
    readonly Labels: Readonly<Record<string, string>> | null
    readonly Healthcheck?: { readonly Test: readonly string[] }
    readonly StopSignal?: string
  }
}

interface Bill {
  readonly bomFormat: string
  readonly components: readonly { readonly name: string }[]
}

const labels = ['title', 'description', 'version', 'revision', 'licenses'].map(
  name => `org.opencontainers.image.${name}`,
)

/** Files that must not be there: a shell, a package manager, tests, and binaries of other platforms. */
const searched = `
  const fs = require('node:fs')
  const own = process.platform + '/' + process.arch
  const found = ['/bin/sh', '/usr/bin/sh', '/usr/bin/apt', '/usr/local/bin/npm', '/app/pnpm-lock.yaml'].filter(fs.existsSync)
  for (const path of fs.readdirSync('/app', { recursive: true })) {
    const platform = /(linux|darwin|win32)[/-](x64|arm64)/.exec(path)
    if (platform && platform[1] + '/' + platform[2] !== own) found.push(path)
    if (!path.includes('node_modules') && /(^|\\/)test\\//.test(path)) found.push(path)
  }
  console.log(JSON.stringify(found.slice(0, 5)))`

export async function checkImages(project: Project, tag: string, findings: Findings): Promise<void> {
  const faultsOfBill = await billChecker()
  const sizes: string[] = []
  const faults: string[] = []
  for (const service of services) {
    const name = `meshwork/${service}:${tag}`
    const [image] = JSON.parse(await project.docker('image', 'inspect', name)) as [Image]
    const limit = service === 'inference' ? bytesMax.withOnnxRuntime : bytesMax.plain
    sizes.push(`${service} ${Math.round(image.Size / megabyte)} MB`)
    if (image.Size > limit) faults.push(`${service} has ${image.Size} bytes, over ${limit}`)
    const { User, Cmd, Labels, Healthcheck, StopSignal } = image.Config
    if (!/^[1-9]\d*:[1-9]\d*$/.test(User)) faults.push(`${service} runs as "${User}"`)
    if (Cmd?.[0] !== 'node') faults.push(`${service} starts ${Cmd?.join(' ')}`)
    if (Healthcheck?.Test[0] !== 'CMD') faults.push(`${service} has no health check without a shell`)
    if (StopSignal !== 'SIGTERM') faults.push(`${service} is stopped with ${StopSignal}`)
    for (const label of labels) if (!Labels?.[label]) faults.push(`${service} lacks ${label}`)
    const unwanted = JSON.parse(
      await project.docker('run', '--rm', '--network=none', name, 'node', '-e', searched),
    ) as string[]
    const read = `process.stdout.write(require('node:fs').readFileSync('/app/bom.cdx.json'))`
    const bill = JSON.parse(await project.docker('run', '--rm', '--network=none', name, 'node', '-e', read)) as Bill
    const holds = (part: string) => bill.components.some(({ name: other }) => other === part)
    if (bill.bomFormat !== 'CycloneDX' || !holds('fastify') || holds('onnxruntime-node') !== (service === 'inference'))
      faults.push(`${service} has a bill of materials with ${bill.components.length} components`)
    faults.push(...faultsOfBill(bill).map(fault => `${service} has a bill of materials that is none: ${fault}`))
    if (unwanted.length > 0) faults.push(`${service} holds ${unwanted.join(', ')}`)
  }
  findings.add(
    'sizes (350 MB, inference 450 MB)',
    sizes.join(', '),
    !faults.some(fault => fault.includes(' bytes, over')),
  )
  findings.none('images: exec form, user, labels, bill of materials, nothing superfluous', services.length, faults)
}

/** A wrong setting ends a service at once, with a line that names it. */
export async function checkBadSettings(project: Project, tag: string, findings: Findings): Promise<void> {
  const cases = [
    ['clean', [], /MESHWORK_STORE_URL is not set/],
    ['clean', ['MESHWORK_STORE_URL=file:///nowhere/store'], /\/nowhere/],
    ['clean', ['MESHWORK_STORE_URL=file:///tmp/store', 'MESHWORK_STAGE_QUEU=1'], /did you mean MESHWORK_STAGE_QUEUE/],
    ['inference', ['MESHWORK_STORE_URL=file:///tmp/store', 'MESHWORK_PORT=web'], /MESHWORK_PORT must be an integer/],
    ['gateway', ['MESHWORK_STORE_URL=file:///tmp/store'], /MESHWORK_ORCHESTRATOR_URL is not set/],
    ['orchestrator', ['MESHWORK_DATABASE_URL=mysql://x'], /MESHWORK_DATABASE_URL/],
    [
      'orchestrator',
      ['MESHWORK_DATABASE_URL=postgres://meshwork@127.0.0.1:1/x'],
      /MESHWORK_DATABASE_URL.*ECONNREFUSED/,
    ],
    ['orchestrator', ['MESHWORK_DATABASE_PASSWORD_FILE=/none'], /MESHWORK_DATABASE_PASSWORD_FILE names \/none/],
  ] as const
  const faults: string[] = []
  for (const [service, settings, message] of cases) {
    const name = `meshwork/${service}:${tag}`
    const given = settings.flatMap(setting => ['--env', setting])
    const told = await project
      .docker('run', '--rm', '--read-only', '--tmpfs=/tmp', '--network=none', ...given, name)
      .then(
        () => 'it ended with 0',
        (error: { stderr?: string; stdout?: string }) => `${error.stdout}${error.stderr}`,
      )
    if (!message.test(told)) faults.push(`${service} ${settings.join(' ')}: ${told.slice(0, 300)}`)
  }
  findings.none('a wrong setting is told by its name', cases.length, faults)
}
