// What the checks need of HTTP: no cookies, no redirects, everything bounded in time.

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  /** undefined where the body is not JSON. */
  readonly json: Record<string, unknown> | undefined
}
export type Ask = (
  path: string,
  post?: { readonly body?: string | Buffer; readonly headers?: Record<string, string> },
) => Promise<Reply>

const timeoutMs = 30_000

export function clientOf(base: string): Ask {
  const url = base.replace(/\/+$/, '')
  return async (path, post) => {
    const answer = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
      ...(post && {
        method: 'POST',
        headers: post.headers ?? {},
        ...(post.body === undefined ? {} : { body: post.body }),
      }),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    return { status: answer.status, headers: answer.headers, bytes, json: parsed(bytes) }
  }
}

function parsed(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
