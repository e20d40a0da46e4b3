import { extname, join } from 'node:path'
import { describeContainers, type ForeignCommands } from '@rootless-runtime/conformance'
import type { Machine } from '@rootless-runtime/core'
import { createLocalSystem, probeHost } from '@rootless-runtime/host'
import { discoverRuntimes, ENGINE_TITLES, openRuntime, type EngineName } from 'rootless-runtime'
import { missEngine } from '../../leave-out.ts'
import { findExceptions, WITHOUT_NAMES } from './exceptions.ts'

const EVERY_ENGINE_MUST_BE_THERE = process.env['CI'] === 'true'
/** An emulated guest is ten times slower. */
const PATIENCE = Number(process.env['TEST_PATIENCE'] ?? 1)
const TIMEOUT_MS = 10_000 * PATIENCE

/** Each engine's own tools, at the endpoint that was found. */
const FOREIGN: Readonly<Record<EngineName, (endpoint: string) => ForeignCommands>> = {
  docker: (endpoint) => ({
    make: (name, image) => ['docker', '--host', endpoint, 'create', '--name', name, image],
    look: (name) => ['docker', '--host', endpoint, 'inspect', name],
    remove: (name) => ['docker', '--host', endpoint, 'rm', '--force', name],
  }),
  podman: () => ({
    make: (name, image) => ['podman', 'create', '--name', name, image],
    look: (name) => ['podman', 'container', 'inspect', name],
    remove: (name) => ['podman', 'rm', '--force', name],
  }),
  lxc: () => ({
    make: (name) => ['lxc-create', '--name', name, '--template', 'none'],
    look: (name) => ['lxc-info', '--name', name],
    remove: (name) => ['lxc-destroy', '--name', name],
  }),
}

/** The suite of containers on this machine's engine. Without it, a skip with its reason; in CI a failure. */
export async function describeContainersHere(engine: EngineName): Promise<void> {
  const [found] = await discoverRuntimes({ engines: [engine], timeoutMs: TIMEOUT_MS })
  if (found?.availability.status !== 'available') {
    return missEngine(`${ENGINE_TITLES[engine]} on this machine`, found?.availability.reason ?? 'nobody answered')
  }
  const machine = createLocalSystem()
  const busybox = await machine.findExecutable('busybox')
  if (busybox.status !== 'ok') throw new Error('the live tests need busybox-static: rootless setup installs it')
  describeContainers({
    engine,
    exceptions: {
      ...findExceptions(engine, found.availability.version),
      ...(engine === 'podman' && (await lacksNames(machine)) ? WITHOUT_NAMES : {}),
    },
    alone: EVERY_ENGINE_MUST_BE_THERE,
    patience: PATIENCE,
    open: () => openRuntime(engine, { timeoutMs: TIMEOUT_MS }),
    workplace: { machine, hostFacts: () => probeHost(machine) },
    busybox: busybox.value,
    owner: (options) => ({
      file: process.execPath,
      arguments: [
        '--conditions=@rootless-runtime/source',
        // As source or, in a guest, as it was bundled.
        join(import.meta.dirname, `owner${extname(import.meta.filename)}`),
        engine,
        JSON.stringify(options),
      ],
      lifetime: 'caller',
    }),
    foreign: FOREIGN[engine](found.availability.endpoint),
  })
}

/** Whether Podman's networks resolve no names here: by CNI, in whose folder of plugins Debian has no `dnsname` of its own. */
async function lacksNames(machine: Machine): Promise<boolean> {
  const info = await machine.run({
    file: 'podman',
    arguments: ['info', '--format', '{{.Host.NetworkBackend}}'],
    timeoutMs: TIMEOUT_MS,
  })
  const usesCni = info.status === 'exited' && info.stdout.trim() === 'cni'
  return usesCni && (await machine.status('/usr/lib/cni/dnsname')).status !== 'ok'
}
