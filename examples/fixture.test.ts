// A container per test file with vitest:  TEST_IMAGE=archive.tar TEST_ENGINE=podman vitest run fixture.test.ts
import { openRuntime, type Container, type EngineName } from 'rootless-runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'

let echo: Container

beforeAll(async () => {
  const runtime = await openRuntime((process.env['TEST_ENGINE'] ?? 'podman') as EngineName)
  // What a test run that was killed has left behind, whoever started it.
  await runtime.containers.sweep()
  await runtime.images.load(process.env['TEST_IMAGE'] ?? '', { reference: 'fixture:latest' })
  echo = await runtime.containers.run({
    image: 'fixture:latest',
    command: ['httpd', '-f', '-p', '8080', '-h', '/etc'],
    ports: [{ container: 8080 }],
  })
  await echo.waitFor({ port: 8080 })
})

afterAll(async () => {
  await echo?.remove({ force: true })
})

test('the server answers', async () => {
  const { address, host } = echo.port(8080)
  const answer = await fetch(`http://${address}:${host}/passwd`)
  expect(await answer.text()).toContain('root:x:0:0')
})

test('a command runs inside', async () => {
  expect(await echo.exec(['sh', '-c', 'echo $((1 + 1))'])).toEqual({ exitCode: 0, stdout: '2\n', stderr: '' })
})
