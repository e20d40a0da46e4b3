import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { PortRelay } from '../lxc-parts.ts'

/** Carries connections between a published port and where it leads, each side in the other's pace. Closing it frees the port. */
export async function startStreamRelay({ address, port, targetAddress, targetPort }: PortRelay): Promise<Disposable> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (outside) => {
    const inside = connect({ host: targetAddress, port: targetPort, allowHalfOpen: true })
    for (const socket of [outside, inside]) {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    }
    // One side that breaks takes the other along.
    pipeline(outside, inside, (error) => void (error instanceof Error && outside.destroy()))
    pipeline(inside, outside, (error) => void (error instanceof Error && inside.destroy()))
  })
  server.listen({ host: address, port, ipv6Only: address.includes(':') })
  await once(server, 'listening')
  server.on('error', () => {})
  return {
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
