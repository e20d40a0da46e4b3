import { createServer } from 'node:net'
import { printable, type Answer, type PortProtocol } from '@rootless-runtime/core'
import { failed, toErrorAnswer } from './answer-within.ts'

/** Lets the kernel choose a port: binds port 0, reads which one it became, and closes it again. */
export async function findFreePort(protocol: PortProtocol, address: string): Promise<Answer<number>> {
  try {
    const port = protocol === 'tcp' ? await bindTcp(address) : await bindUdp(address)
    return port === null ? failed(`${printable(address)}: no ${protocol} port was given`) : { status: 'ok', value: port }
  } catch (error) {
    return toErrorAnswer(address, error)
  }
}

async function bindTcp(address: string): Promise<number | null> {
  const server = createServer()
  const bound = Promise.withResolvers<void>()
  server.once('error', bound.reject).listen({ host: address, port: 0, exclusive: true }, bound.resolve)
  await bound.promise
  const given = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof given === 'object' && given !== null ? given.port : null
}

async function bindUdp(address: string): Promise<number | null> {
  const { createSocket } = await import('node:dgram')
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const bound = Promise.withResolvers<void>()
  socket.once('error', bound.reject).bind({ address, port: 0, exclusive: true }, bound.resolve)
  try {
    await bound.promise
    return socket.address().port
  } finally {
    socket.close()
  }
}
