import { type Agent, request } from 'undici'

/** Posts JSON over the connections of an agent, and answers what comes back; throws the text of an error. */
export const asking =
  (agent: Agent) =>
  async <T>(url: string, body: unknown, headers: Record<string, string> = {}): Promise<T> => {
    const answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    if (answer.statusCode >= 300) throw new Error(await answer.body.text())
    return (await answer.body.json()) as T
  }
