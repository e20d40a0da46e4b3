import type { ErrorCode } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { toRefusal } from '../src/podman-errors.ts'

const NOT_FOUND = 'OCI runtime attempted to invoke a command that was not found'

// As Podman said them: 4.3.1 with runc 1.1.5 and slirp4netns where nothing else is said.
test.each<[string, ErrorCode]>([
  [
    'creating container storage: the container name "a" is already in use by 7b03. You have to remove that container to be able to reuse that name: that name is already in use',
    'NAME_IN_USE',
  ],
  ['no container with name or ID "a" found: no such container', 'CONTAINER_NOT_FOUND'],
  ['cannot create exec session as container 77c2 is paused', 'NOT_RUNNING'],
  ['failed to find image a: a: image not known', 'IMAGE_NOT_FOUND'],
  [
    'image used by 6add: image is in use by a container: consider listing external containers and force-removing image',
    'IMAGE_IN_USE',
  ],
  ['network name a already used: network already exists', 'NAME_IN_USE'],
  ['unable to find network with name or ID a: network not found', 'NETWORK_NOT_FOUND'],
  [
    '"a" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used',
    'NETWORK_IN_USE',
  ],
  ['volume with name a already exists: volume already exists', 'NAME_IN_USE'],
  ['no volume with name "a" found: no such volume', 'VOLUME_NOT_FOUND'],
  ['volume a is being used by the following container(s): 4876: volume is being used', 'VOLUME_IN_USE'],
  ['can not pause containers on rootless containers with cgroup V1: this container does not have a cgroup', 'NOT_SUPPORTED'],
  ['cannot pause the container without a cgroup', 'NOT_SUPPORTED'],
  ['sending signal to container 0f52: `/usr/bin/runc kill 0f52 9` failed: exit status 1', 'NOT_RUNNING'],
  ['unable to find user a: no matching entries in passwd file', 'USER_NOT_FOUND'],
  ['unable to find group a: no matching entries in group file', 'USER_NOT_FOUND'],
  ['workdir "/a" does not exist on container 6527', 'WORKDIR_NOT_FOUND'],
  ['workdir "/etc/passwd" exists on container 95b0, but is not a directory', 'WORKDIR_NOT_FOUND'],
  [
    `runc: exec failed: unable to start container process: chdir to cwd ("/a") set in config.json failed: no such file or directory: ${NOT_FOUND}`,
    'WORKDIR_NOT_FOUND',
  ],
  [
    `runc: runc create failed: unable to start container process: exec: "a": executable file not found in $PATH: ${NOT_FOUND}`,
    'COMMAND_NOT_FOUND',
  ],
  [
    `runc: runc create failed: unable to start container process: exec: "/a/b": stat /a/b: no such file or directory: ${NOT_FOUND}`,
    'COMMAND_NOT_FOUND',
  ],
  [`Error: runc: red: no such file or directory: ${NOT_FOUND}`, 'COMMAND_NOT_FOUND'],
  [
    'runc: runc create failed: unable to start container process: exec: "/etc": permission denied: OCI permission denied',
    'COMMAND_NOT_EXECUTABLE',
  ],
  [
    "rootlessport cannot expose privileged port 80, you can add 'net.ipv4.ip_unprivileged_port_start=80' to /etc/sysctl.conf (currently 1024), or choose a larger port number (>= 1024): listen tcp 127.0.0.1:80: bind: permission denied",
    'PORT_FORBIDDEN',
  ],
  ['rootlessport listen udp 127.0.0.1:22345: bind: address already in use', 'PORT_IN_USE'],
  ['rootlessport listen tcp 1.2.3.4:2375: bind: cannot assign requested address', 'INVALID_ARGUMENT'],
  ['creating container storage: write /store/overlay-layers/.tmp-layers.json3147663990: no space left on device', 'HOST_REFUSED'],
  ['statfs /nope: no such file or directory', 'MOUNT_NOT_FOUND'],
  ['no such file or directory', 'PATH_NOT_FOUND'],
  ['copier: put: /etc/passwd (/etc/passwd): exists but is not a directory', 'PATH_NOT_FOUND'],
  ['running container create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument', 'INVALID_ARGUMENT'],
  ['"CAP_NO_SUCH_CAPABILITY": unknown capability', 'INVALID_ARGUMENT'],
  // A file of a cgroup, and no command: what crun 1.8.1 and runc 1.1.5 said of limits.
  [`crun: opening file \`io.weight\` for writing: No such file or directory: ${NOT_FOUND}`, 'ENGINE_REFUSED'],
  [`runc: openat2 /sys/fs/cgroup/abc/pids.max: no such file or directory: ${NOT_FOUND}`, 'ENGINE_REFUSED'],
  ['something that nobody has seen', 'ENGINE_REFUSED'],
])('%s', (words, code) => {
  expect(toRefusal({ what: 'start a' }, words)).toMatchObject({ code, engine: 'podman' })
})

test('a container in the wrong state is what the question says it is', () => {
  const words = 'can only kill running containers. 6add is in state exited: container state improper'
  expect(toRefusal({ what: 'kill a', improperState: 'NOT_RUNNING' }, words).code).toBe('NOT_RUNNING')
  expect(toRefusal({ what: 'remove a', improperState: 'STILL_RUNNING' }, words).code).toBe('STILL_RUNNING')
})

test('what Podman says is shown without its control characters, and cut', () => {
  const { message } = toRefusal({ what: 'start a' }, `\u001b[31m${'x'.repeat(10_000)}`)
  expect(message).not.toContain('\u001b')
  expect(message.length).toBeLessThan(500)
})
