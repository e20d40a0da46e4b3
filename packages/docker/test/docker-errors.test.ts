import { expect, test } from 'vitest'
import { toRefusal } from '../src/docker-errors.ts'

const RUNC = 'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: '
const EXEC = 'OCI runtime exec failed: exec failed: unable to start container process: '
const USERLAND = 'driver failed programming external connectivity on endpoint web (0a): Error starting userland proxy: '
const PORT_MANAGER = 'error while calling PortManager.AddPort(): '

/** As Docker 20.10.24 said them, but where another version stands beside. */
test.each([
  ['No such image: nosuch:1', 'IMAGE_NOT_FOUND'],
  ['no such image: nosuch:1: No such image: nosuch:1', 'IMAGE_NOT_FOUND'],
  ['No such container: web', 'CONTAINER_NOT_FOUND'],
  [
    'Conflict. The container name "/web" is already in use by container "0060". You have to remove (or rename) that',
    'NAME_IN_USE',
  ],
  ['network with name web already exists', 'NAME_IN_USE'],
  ['network web not found', 'NETWORK_NOT_FOUND'],
  ['error while removing network: network web id e502 has active endpoints', 'NETWORK_IN_USE'],
  ['get data: no such volume', 'VOLUME_NOT_FOUND'],
  ['remove data: volume is in use - [cd59]', 'VOLUME_IN_USE'],
  ['conflict: unable to remove repository reference "a:1" (must force) - container 0060 is using its image', 'IMAGE_IN_USE'],
  ['conflict: unable to delete 2d2d195c5948 (cannot be forced) - image is being used by running container 0060', 'IMAGE_IN_USE'],
  ['You cannot remove a running container 0060. Stop the container before attempting removal or force remove', 'STILL_RUNNING'],
  // 28.2
  ['cannot remove container "/web": container is running: stop the container before removing or force remove', 'STILL_RUNNING'],
  ['Cannot kill container: web: Container 0060 is not running', 'NOT_RUNNING'],
  ['Container 0060 is paused, unpause the container before exec', 'NOT_RUNNING'],
  ['Container 0060 is not paused', 'NOT_RUNNING'],
  ['Could not find the file /nope in container web', 'PATH_NOT_FOUND'],
  ['extraction point is not a directory', 'PATH_NOT_FOUND'],
  ['invalid mount config for type "bind": bind source path does not exist: /nope', 'MOUNT_NOT_FOUND'],
  ['unable to find user nosuch: no matching entries in passwd file', 'USER_NOT_FOUND'],
  ['unable to find group nosuch: no matching entries in group file', 'USER_NOT_FOUND'],
  [`${RUNC}unable to setup user: invalid argument: unknown`, 'USER_NOT_FOUND'],
  ['Cannot mkdir: /etc/passwd is not a directory', 'WORKDIR_NOT_FOUND'],
  [`${EXEC}chdir to cwd ("/nope") set in config.json failed: no such file or directory: unknown`, 'WORKDIR_NOT_FOUND'],
  [`${RUNC}exec: "nope": executable file not found in $PATH: unknown`, 'COMMAND_NOT_FOUND'],
  [`${EXEC}exec: "/nope": stat /nope: no such file or directory: unknown`, 'COMMAND_NOT_FOUND'],
  [`${RUNC}exec: "No such image": executable file not found in $PATH: unknown`, 'COMMAND_NOT_FOUND'],
  [`${RUNC}exec: "a\\" b": executable file not found in $PATH: unknown`, 'COMMAND_NOT_FOUND'],
  [`${RUNC}exec: "/etc/passwd": permission denied: unknown`, 'COMMAND_NOT_EXECUTABLE'],
  [`${RUNC}exec: "no space left on device": executable file not found in $PATH: unknown`, 'COMMAND_NOT_FOUND'],
  ['Error processing tar file(exit status 1): write /manifest.json: no space left on device', 'HOST_REFUSED'],
  [`${USERLAND}${PORT_MANAGER}listen tcp4 0.0.0.0:18081: bind: address already in use`, 'PORT_IN_USE'],
  [`${USERLAND}${PORT_MANAGER}reply.Error: map[desc:bad request: add_hostfwd: slirp_add_hostfwd failed]`, 'PORT_IN_USE'],
  ['Bind for 0.0.0.0:18082 failed: port is already allocated', 'PORT_IN_USE'],
  [
    `${USERLAND}${PORT_MANAGER}cannot expose privileged port 81, you can add 'net.ipv4.ip_unprivileged_port_start=81' to /etc/sysctl.conf`,
    'PORT_FORBIDDEN',
  ],
  [
    'Cannot pause container 0060: OCI runtime pause failed: cannot toggle freezer: cgroups not configured for container',
    'NOT_SUPPORTED',
  ],
  ['invalid CapDrop: unknown capability: "CAP_NOSUCH"', 'INVALID_ARGUMENT'],
  ['Invalid signal: SIGNOPE', 'INVALID_ARGUMENT'],
  ['No command specified', 'INVALID_ARGUMENT'],
  ['something that no version said before', 'ENGINE_REFUSED'],
  ['', 'ENGINE_REFUSED'],
])('%s is %s', (words, code) => {
  expect(toRefusal('asking', words)).toMatchObject({ code, engine: 'docker' })
})

test('words of the caller cannot either, and hide no word of Docker', () => {
  const name = '/no\u001b[31m\n\u202ered'
  const words = `${EXEC}exec: "/no\\x1b[31m\\n\\u202ered": stat ${name}: no such file or directory: unknown`
  const { message, code } = toRefusal(`running ${name}`, words)
  expect(code).toBe('COMMAND_NOT_FOUND')
  expect(message).not.toMatch(/[\u001b\n\u202e]/u)
})

test('words of Docker cannot write to a terminal, and are cut', () => {
  const { message } = toRefusal('asking', `\u001b[2J${'x'.repeat(10_000)}`)
  expect(message).not.toContain('\u001b')
  expect(message.length).toBeLessThan(500)
})
