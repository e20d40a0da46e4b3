import { PassThrough, type Duplex } from 'node:stream'
import Docker from 'dockerode'
import type { StartByTool } from './measure-tools.ts'

let client: Docker | undefined

export const useDockerode: StartByTool = async (image, command, saidWhenReady) => {
  const docker = (client ??= new Docker())
  const container = await docker.createContainer({ Image: image, Cmd: [...command] })
  await container.start()
  const log = await container.logs({ follow: true, stdout: true, stderr: true })
  const following = split(docker, log)
  for await (const chunk of following) if (String(chunk).includes(saidWhenReady)) break
  return {
    exec: async (words) => {
      const exec = await container.exec({ Cmd: [...words], AttachStdout: true, AttachStderr: true })
      const output = await readAll(split(docker, await exec.start({})))
      const { ExitCode } = await exec.inspect()
      return { exitCode: ExitCode ?? -1, output }
    },
    readLog: async () => {
      const framed = await container.logs({ follow: false, stdout: true, stderr: true })
      const whole = new PassThrough()
      whole.end(framed)
      return await readAll(split(docker, whole))
    },
    stopAndRemove: async () => {
      await container.stop({ t: 10 })
      await container.remove()
    },
  }
}

/** Both outputs as one, without the frames. */
function split(docker: Docker, framed: NodeJS.ReadableStream | Duplex): PassThrough {
  const output = new PassThrough()
  docker.modem.demuxStream(framed, output, output)
  framed.on('end', () => output.end())
  return output
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}
