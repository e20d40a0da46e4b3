import { readFileSync, statSync } from 'node:fs'
import { buildReport } from 'rootless-runtime'
import { parseReport } from 'rootless-runtime/schema'
import { expect, test } from 'vitest'
import { listProcesses, must } from './look.ts'

const report = await buildReport()
const { host } = report

test('the report reads back as it was made', () => {
  expect(parseReport(JSON.stringify(report))).toEqual(report)
})

test('the host is the one that uname, id and /proc show', async () => {
  expect(host.system.kernelRelease).toMatchObject({ value: await must('uname', ['-r']) })
  expect(host.user.uid).toBe(Number(await must('id', ['-u'])))
  expect(host.user.name).toBe(await must('id', ['-un']))
  const types = new Set(
    readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[2]),
  )
  const layout = types.has('cgroup') ? (types.has('cgroup2') ? 'hybrid' : 'v1') : 'v2'
  expect(host.cgroup.layout).toMatchObject({ value: layout })
})

test('the devices and sysctls are those of the kernel', () => {
  const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8).padStart(4, '0')
  expect(host.devices['/dev/net/tun']).toMatchObject({ value: { present: true, mode: mode('/dev/net/tun') } })
  expect(host.sysctls['net.ipv4.ip_unprivileged_port_start']).toMatchObject({
    value: readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').trim(),
  })
})

test('a user namespace and an overlay in it were tried, and agree with unshare(1)', async () => {
  const inside = await must('unshare', ['--user', '--map-root-user', 'id', '-u'])
  expect(host.userNamespace.uidMapWritten).toMatchObject({ value: { worked: inside === '0' } })
})

test('asking leaves no process behind', async () => {
  const before = new Set(listProcesses().map(({ pid }) => pid))
  await buildReport()
  const own = listProcesses().filter(({ pid, parent }) => !before.has(pid) && parent === process.pid)
  expect(own.map(({ words }) => words.join(' '))).toEqual([])
})
