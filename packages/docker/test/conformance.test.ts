import { readFileSync } from 'node:fs'
import { describeRuntime, type ExpectedCells } from '@rootless-runtime/conformance'
import { createDocker } from '../src/docker.ts'

// Debian 12 with hybrid cgroups and no systemd, as `rootless setup` makes it.
const HYBRID_DEBIAN_12: ExpectedCells = {
  networking: 'slirp4netns',
  networkDrivers: {
    slirp4netns: 'in use',
    pasta: 'unsupported',
    'lxc-user-nic': 'available',
    vpnkit: 'unsupported',
    'gvisor-tap-vsock': 'unsupported',
    host: 'unsupported',
    none: 'available',
  },
  portDriver: 'builtin',
  mtuBytes: 1500,
  properties: {
    publish: true,
    'publish-privileged': 'unsupported',
    'source-address': 'unsupported',
    udp: true,
    ipv6: true,
    ping: true,
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
    cgroupfs: 'unknown',
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
  title: 'Docker',
  create: createDocker,
  recordings: [recorded('docker-20.10.24+dfsg1-debian-12-hybrid.json', HYBRID_DEBIAN_12)],
})

function recorded(name: string, expected: ExpectedCells) {
  return { name, text: readFileSync(new URL(`../recordings/${name}`, import.meta.url), 'utf8'), expected }
}
