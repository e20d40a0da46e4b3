import { GenericContainer, Wait } from 'testcontainers'

// A program of somebody who knows testcontainers and nothing of ours: only its environment says where the engine is.

const [image = ''] = process.argv.slice(2)
const container = await new GenericContainer(image)
  .withLabels({ 'rootless-other-tools': image })
  .withCopyContentToContainer([{ content: 'hello from testcontainers', target: '/hello' }])
  .withExposedPorts(8080)
  .withCommand(['httpd', '-f', '-p', '8080', '-h', '/'])
  .withWaitStrategy(Wait.forListeningPorts())
  .start()
try {
  const response = await fetch(`http://${container.getHost()}:${container.getMappedPort(8080)}/hello`)
  const executed = await container.exec(['cat', '/hello'])
  process.stdout.write(JSON.stringify({ host: container.getHost(), body: await response.text(), executed }))
} finally {
  await container.stop()
}
