import { readFileSync } from 'node:fs'
import { describeRuntime, type ExpectedCells } from '@rootless-runtime/conformance'
import { createLxc } from '../src/lxc.ts'

// Debian 12 with hybrid cgroups and no systemd, as `rootless setup` makes it.
const HYBRID_DEBIAN_12: ExpectedCells = {
  networking: 'lxc-user-nic',
  networkDrivers: {
    slirp4netns: 'available',
    pasta: 'available',
    'lxc-user-nic': 'in use',
    vpnkit: 'unsupported',
    'gvisor-tap-vsock': 'unsupported',
    host: 'available',
    none: 'available',
  },
  portDriver: 'none',
  mtuBytes: 1500,
  properties: {
    publish: 'unsupported',
    'publish-privileged': 'unsupported',
    'source-address': true,
    udp: true,
    ipv6: 'unknown',
    ping: true,
    'reach-host': true,
    'name-resolution': 'unknown',
  },
  storage: 'dir',
  storageDrivers: {
    overlay: 'available',
    'fuse-overlayfs': 'unsupported',
    btrfs: 'unsupported',
    vfs: 'unsupported',
    dir: 'in use',
  },
  backingFileSystem: 'ext4',
  layers: 'copied',
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
    pam: 'available',
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
  title: 'LXC',
  create: createLxc,
  recordings: [recorded('lxc-5.0.2-debian-12-hybrid.json', HYBRID_DEBIAN_12)],
})

function recorded(name: string, expected: ExpectedCells) {
  return { name, text: readFileSync(new URL(`../recordings/${name}`, import.meta.url), 'utf8'), expected }
}
