import Docker from 'dockerode'

// A program of somebody who knows dockerode and nothing of ours. It mounts the socket of the engine in a container, as tools that
// clean up after themselves do.

const [image = '', socket = ''] = process.argv.slice(2)
const docker = new Docker()
const { Version } = await docker.version()
const container = await docker.createContainer({
  Image: image,
  Cmd: ['sh', '-c', 'test -S /engine.sock && echo socket; exit 7'],
  Labels: { 'rootless-other-tools': image },
  HostConfig: { Binds: [`${socket}:/engine.sock`] },
})
try {
  await container.start()
  const { StatusCode } = await container.wait()
  const log = await container.logs({ stdout: true, stderr: true })
  process.stdout.write(JSON.stringify({ version: Version, exitCode: StatusCode, log: log.subarray(8).toString() }))
} finally {
  await container.remove({ force: true })
}
