import { expect, test } from 'vitest'
import { parseImageReference } from '../src/index.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

// As github.com/distribution/reference has them, which Docker and Podman use.
test.each([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36'],
  ['team/app', 'docker.io/team/app:latest'],
  ['docker.io/busybox', 'docker.io/library/busybox:latest'],
  ['index.docker.io/busybox', 'docker.io/library/busybox:latest'],
  ['localhost/app:dev', 'localhost/app:dev'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['127.0.0.1:5000/a/b/c:v1.0_x-2', '127.0.0.1:5000/a/b/c:v1.0_x-2'],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  ['ghcr.io/a/b__c/d-e.f:1', 'ghcr.io/a/b__c/d-e.f:1'],
  [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
  [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`],
  ['localhost', 'docker.io/library/localhost:latest'],
])('%s is %s', (text, full) => {
  expect(parseImageReference(text).text).toBe(full)
  // What is in full stays as it is.
  expect(parseImageReference(full).text).toBe(full)
})

test('the parts are apart', () => {
  expect(parseImageReference(`localhost:5000/a/b:1@${DIGEST}`)).toMatchObject({
    registry: 'localhost:5000',
    repository: 'a/b',
    tag: '1',
    digest: DIGEST,
  })
  expect(parseImageReference(`b@${DIGEST}`)).toMatchObject({ repository: 'library/b', tag: null, digest: DIGEST })
})

test.each([
  ['nothing', ''],
  ['a blank', 'busy box'],
  ['a capital letter', 'Busybox'],
  ['a newline', 'busybox\n'],
  ['a NUL', 'busybox\0'],
  ['an escape', '\u001b[31mbusybox'],
  ['no tag after the colon', 'busybox:'],
  ['a tag with a slash', 'busybox:a b'],
  ['a tag of 129 characters', `busybox:${'a'.repeat(129)}`],
  ['a name of 256 characters', 'a'.repeat(256)],
  ['10,000 characters', 'a'.repeat(10_000)],
  ['a slash at the end', 'busybox/'],
  ['a slash at the begin', '/busybox'],
  ['two slashes', 'a//b'],
  ['two separators', 'a..b'],
  ['..', '../etc'],
  ['an id', 'a'.repeat(64)],
  ['a short digest', 'busybox@sha256:abc'],
  ['a digest of another kind', `busybox@md5:${'a'.repeat(32)}`],
  ['two digests', `busybox@${DIGEST}@${DIGEST}`],
  ['an address', 'http://registry/busybox'],
  ['an option', '--rm'],
  ['a registry that is none', 'a_b.c/busybox'],
])('%s is refused', (_, text) => {
  expect(() => parseImageReference(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})
