import { Agent, request } from 'undici'

const agent = new Agent({ connections: 64, headersTimeout: 0, bodyTimeout: 0 })

export async function ask<T>(url: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const answer = await request(url, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const text = await answer.body.text()
  if (answer.statusCode >= 300) throw new Error(text)
  return JSON.parse(text) as T
}
