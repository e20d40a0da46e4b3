import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { PortRelay } from '../lxc-parts.ts'

/** As long as conntrack keeps a UDP stream (nf_conntrack_udp_timeout_stream). */
const IDLE_MS = 120_000
const MAXIMUM_SENDERS = 1024

interface Sender {
  readonly socket: Socket
  readonly idle: NodeJS.Timeout
}

/** Carries datagrams between a published port and where it leads. Closing it frees the port. */
export async function startDatagramRelay(relay: PortRelay): Promise<Disposable> {
  const senders = new Map<string, Sender>()
  const outside = createSocket(relay.address.includes(':') ? 'udp6' : 'udp4')
  outside.on('message', (data, from) => void forward(outside, senders, relay, data, from))
  outside.bind({ address: relay.address, port: relay.port, exclusive: true })
  await once(outside, 'listening')
  outside.on('error', () => {})
  return {
    [Symbol.dispose]: () => {
      outside.close()
      for (const { socket, idle } of senders.values()) {
        clearTimeout(idle)
        socket.close()
      }
      senders.clear()
    },
  }
}

function forward(outside: Socket, senders: Map<string, Sender>, relay: PortRelay, data: Buffer, from: RemoteInfo): void {
  const key = `${from.address} ${from.port}`
  const known = senders.get(key)
  // A datagram may be lost; a flood of senders must not take every descriptor.
  if (known === undefined && senders.size >= MAXIMUM_SENDERS) return
  const sender = known ?? openSender(outside, senders, relay, from)
  senders.set(key, sender)
  sender.idle.refresh()
  sender.socket.send(data, relay.targetPort, relay.targetAddress)
}

function openSender(outside: Socket, senders: Map<string, Sender>, relay: PortRelay, from: RemoteInfo): Sender {
  const socket = createSocket('udp4')
  const idle = setTimeout(() => {
    senders.delete(`${from.address} ${from.port}`)
    socket.close()
  }, IDLE_MS)
  socket.on('error', () => {})
  socket.on('message', (data) => {
    idle.refresh()
    if (senders.size > 0) outside.send(data, from.port, from.address)
  })
  socket.bind(relay.sourceAddress === null ? {} : { address: relay.sourceAddress, port: 0 })
  return { socket, idle }
}
