// The requests that are sent, whole and ready to be written to a socket.

export interface Shot {
  readonly url: string
  readonly bytes: Buffer
}

const lengthHeader = 'inference-header-content-length'

export function post(address: string, body: Buffer | string, headers: Readonly<Record<string, string>> = {}): Shot {
  const { origin, host, pathname } = new URL(address)
  const content = Buffer.from(body)
  const all = { host, 'content-type': 'application/json', ...headers, 'content-length': content.length }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return {
    url: origin,
    bytes: Buffer.concat([Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`), content]),
  }
}

export function get(address: string): Shot {
  const { origin, host, pathname } = new URL(address)
  return { url: origin, bytes: Buffer.from(`GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\n\r\n`) }
}

export interface Row {
  readonly model: string
  readonly input: string
  /** Behind the rows. */
  readonly shape: readonly number[]
}

export const widthOf = ({ shape }: Pick<Row, 'shape'>) => shape.reduce((product, size) => product * size, 1)
export const values = (width: number) => Array.from({ length: width }, (_, i) => ((i * 37) % 1000) / 1000)

/** One row in the Open Inference Protocol, as JSON. */
export function jsonShot(url: string, { model, input, shape }: Row): Shot {
  const tensor = { name: input, datatype: 'FP32', shape: [1, ...shape], data: values(widthOf({ shape })) }
  return post(inferUrl(url, model), JSON.stringify({ inputs: [tensor] }))
}

/** One row as bytes, and bytes as the answer. */
export function binaryShot(url: string, { model, input, shape }: Row): Shot {
  const bytes = Buffer.from(Float32Array.from(values(widthOf({ shape }))).buffer)
  const parameters = { binary_data_size: bytes.length }
  const tensor = { name: input, datatype: 'FP32', shape: [1, ...shape], parameters }
  const head = Buffer.from(JSON.stringify({ inputs: [tensor], parameters: { binary_data_output: true } }))
  const headers = { 'content-type': 'application/octet-stream', [lengthHeader]: String(head.length) }
  return post(inferUrl(url, model), Buffer.concat([head, bytes]), headers)
}

const inferUrl = (url: string, model: string) => `${url}/v2/models/${model}/infer`
