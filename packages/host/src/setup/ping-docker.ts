import type { System } from '@rootless-runtime/core'

/** Who answered `GET /_ping` on a socket that is called Docker's. */
export const DOCKER_ANSWERS = ['docker', 'other-engine', 'none'] as const
export type DockerAnswer = (typeof DOCKER_ANSWERS)[number]

const MAXIMUM_ANSWER_BYTES = 65_536

/** Asks a socket for `/_ping` and tells Docker from Podman by the headers. `none`: nothing there, or no proper answer in time. */
export async function pingDocker(system: System, socketPath: string, timeoutMs: number): Promise<DockerAnswer> {
  const connection = await system.connect(socketPath, { timeoutMs })
  if (connection.status !== 'ok') return 'none'
  const stream = connection.value
  const timer = setTimeout(() => stream.destroy(new Error('no answer in time')), timeoutMs)
  try {
    // HTTP/1.0: the daemon ends the connection after its answer.
    stream.end('GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n')
    let bytes = Buffer.alloc(0)
    for await (const chunk of stream) {
      bytes = Buffer.concat([bytes, Buffer.from(chunk)])
      if (bytes.length >= MAXIMUM_ANSWER_BYTES) break
    }
    return toDockerAnswer(bytes.toString('latin1'))
  } catch {
    return 'none'
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}

/** Judges the raw HTTP answer to `/_ping`. */
export function toDockerAnswer(answer: string): DockerAnswer {
  const [head = ''] = answer.split('\r\n\r\n', 1)
  const [statusLine = '', ...headers] = head.split('\r\n')
  if (!/^HTTP\/1\.[01] 200( |$)/u.test(statusLine)) return 'none'
  return headers.some((header) => /^server: docker\//iu.test(header)) ? 'docker' : 'other-engine'
}
