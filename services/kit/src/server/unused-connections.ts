import type { Socket } from 'node:net'
import type { App } from './service.ts'

/**
 * Ends connections that never sent a request when the service closes. Node counts them as busy until its headers
 * timeout, so that one browser that connects ahead would hold up every restart for half a minute.
 */
export function endUnusedConnections(app: Pick<App, 'server' | 'addHook'>): void {
  const unused = new Set<Socket>()
  app.server.on('connection', socket => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  app.server.on('request', ({ socket }) => void unused.delete(socket))
  app.addHook('preClose', async () => {
    for (const socket of unused) socket.destroy()
  })
}
