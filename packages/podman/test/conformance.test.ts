import { readFileSync } from 'node:fs'
import { describeRuntime, type ExpectedCells } from '@rootless-runtime/conformance'
import { createPodman } from '../src/podman.ts'

// Debian 12 with hybrid cgroups and no systemd, as `rootless setup` makes it.
const HYBRID_DEBIAN_12: ExpectedCells = {
  networking: 'slirp4netns',
  networkDrivers: {
    slirp4netns: 'in use',
    pasta: 'unsupported',
    'lxc-user-nic': 'unsupported',
    vpnkit: 'unsupported',
    'gvisor-tap-vsock': 'unsupported',
    host: 'available',
    none: 'available',
  },
  portDriver: 'rootlessport',
  mtuBytes: 65520,
  properties: {
    publish: true,
    'publish-privileged': 'unsupported',
    'source-address': 'unsupported',
    udp: true,
    ipv6: true,
    ping: 'unsupported',
    'reach-host': true,
    'name-resolution': 'unsupported',
  },
  storage: 'overlay',
  storageDrivers: {
    overlay: 'in use',
    'fuse-overlayfs': 'available',
    btrfs: 'unsupported',
    vfs: 'available',
    dir: 'unsupported',
  },
  backingFileSystem: 'ext4',
  layers: 'shared',
  cgroup: 'hybrid',
  cgroupVersions: {
    v2: 'unsupported',
    hybrid: 'in use',
    v1: 'unsupported',
  },
  manager: 'none',
  managers: {
    systemd: 'unsupported',
    cgroupfs: 'unsupported',
    pam: 'unsupported',
    none: 'in use',
  },
  controllers: [],
  limits: {
    memory: 'unsupported',
    cpu: 'unsupported',
    pids: 'unsupported',
    io: 'unsupported',
    cpuset: 'unsupported',
  },
}

describeRuntime({
  title: 'Podman',
  create: createPodman,
  recordings: [recorded('podman-4.3.1-debian-12-hybrid.json', HYBRID_DEBIAN_12)],
})

function recorded(name: string, expected: ExpectedCells) {
  return { name, text: readFileSync(new URL(`../recordings/${name}`, import.meta.url), 'utf8'), expected }
}
