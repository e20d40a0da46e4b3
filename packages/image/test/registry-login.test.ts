import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sha256 } from './image-fixtures.ts'
import { PACKED, TestRegistry } from './test-registry.ts'

let registry = new TestRegistry()
beforeEach(async () => {
  registry = await new TestRegistry().listen()
})
afterEach(async () => registry[Symbol.asyncDispose]())

test('a token is fetched where the registry says, with the credentials, and sent with every request', async () => {
  registry.storeManifest('1')
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`
  registry.answerBefore = (request, response) => {
    if (request.url?.startsWith('/token?') === true) {
      const isRight =
        request.headers.authorization === basic && request.url === '/token?service=here&scope=repository%3Ateam%2Fapp%3Apull'
      response.writeHead(isRight ? 200 : 403).end(JSON.stringify({ token: 'opened' }))
      return true
    }
    if (request.headers.authorization === 'Bearer opened') return false
    response
      .writeHead(401, {
        'www-authenticate': `Bearer realm="http://${registry.address}/token",service="here",scope="repository:team/app:pull"`,
      })
      .end()
    return true
  }
  const archive = await registry.pull('team/app:1', { credentials: { username: 'me', password: 'secret' } })
  await archive[Symbol.asyncDispose]()
  expect(registry.asked.filter((url) => url.startsWith('/token')).length).toBe(1)
  const refusal = await registry.refusalOf('team/app:1', { credentials: { username: 'me', password: 'wrong' } })
  expect(refusal.code).toBe('IMAGE_NOT_FOUND')
  expect(JSON.stringify(refusal)).not.toContain('wrong')
})

test('a login at a third place without TLS is not made', async () => {
  registry.answerBefore = (_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer realm="not an address"' }).end()
    return true
  }
  expect(await registry.refusalOf('team/app:1')).toMatchObject({
    code: 'ENGINE_REFUSED',
    message: expect.stringContaining('login'),
  })
})

test('credentials do not follow a redirect to another host', async () => {
  registry.storeManifest('1')
  const seen: (string | undefined)[] = []
  const other = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end(PACKED)
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  registry.answerBefore = (request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    else if (request.url === `/v2/team/app/blobs/sha256:${sha256(PACKED)}`)
      response.writeHead(307, { location: `http://127.0.0.1:${port}/blob` }).end()
    else return false
    return true
  }
  await using archive = await registry.pull('team/app:1', { credentials: { username: 'me', password: 'secret' } })
  expect(archive.images.length).toBe(1)
  expect(seen).toEqual([undefined])
  other.closeAllConnections()
  other.close()
})
