import * as z from 'zod'
import { CGROUP_VERSIONS } from './capabilities.ts'
import { fixSchema } from './fix-schema.ts'
import { DEVICE_NAMES, HOST_CONDITION_NAMES, SYSCTL_NAMES, TOOL_NAMES, type HostFacts } from './host-facts.ts'

function factSchema<Value extends z.ZodType>(value: Value) {
  return z.discriminatedUnion('status', [
    z.object({ status: z.literal('known'), value, source: z.string() }),
    z.object({ status: z.literal('unknown'), reason: z.string(), source: z.string() }),
  ])
}

const flag = factSchema(z.boolean())
const text = factSchema(z.string())
const byteCount = z.number().int().nonnegative()

const attempt = factSchema(
  z.discriminatedUnion('worked', [
    z.object({ worked: z.literal(true) }),
    z.object({ worked: z.literal(false), reason: z.string() }),
  ]),
)

const idRanges = factSchema(z.array(z.object({ start: z.number().int(), count: z.number().int() })))

const device = factSchema(
  z.discriminatedUnion('present', [
    z.object({ present: z.literal(false) }),
    z.object({ present: z.literal(true), mode: z.string(), accessible: z.boolean() }),
  ]),
)

const tool = factSchema(
  z.discriminatedUnion('present', [
    z.object({ present: z.literal(false) }),
    z.object({
      present: z.literal(true),
      path: z.string(),
      version: z.string().nullable(),
      privilege: z.enum(['setuid', 'capabilities', 'none']),
    }),
  ]),
)

/** The schema of what `probeHost` returns. */
export const hostFactsSchema: z.ZodType<HostFacts> = z.object({
  user: z.object({ uid: z.number().int(), gid: z.number().int(), name: z.string(), homeDirectory: z.string() }),
  system: z.object({
    kernelRelease: text,
    distribution: factSchema(z.object({ id: z.string(), versionId: z.string(), prettyName: z.string() })),
    cpuCount: factSchema(z.number().int().positive()),
    appArmor: factSchema(z.enum(['enabled', 'disabled'])),
  }),
  cgroup: z.object({
    layout: factSchema(z.enum(CGROUP_VERSIONS)),
    unifiedMountPoint: factSchema(z.string().nullable()),
    ownPath: text,
    delegatedControllers: factSchema(z.array(z.string())),
    pamCgfs: factSchema(z.object({ enabled: z.boolean(), controllers: z.array(z.string()) })),
  }),
  session: z.object({
    systemd: flag,
    userManager: flag,
    linger: flag,
    dbus: flag,
    runtimeDirectory: factSchema(z.string().nullable()),
  }),
  userNamespace: z.object({
    created: attempt,
    uidMapWritten: attempt,
    subordinateUserIds: idRanges,
    subordinateGroupIds: idRanges,
  }),
  overlayInUserNamespace: attempt,
  devices: z.record(z.enum(DEVICE_NAMES), device),
  tools: z.record(z.enum(TOOL_NAMES), tool),
  lxcUsernet: factSchema(z.array(z.object({ who: z.string(), type: z.string(), bridge: z.string(), count: z.number().int() }))),
  sysctls: z.record(z.enum(SYSCTL_NAMES), text),
  home: z.object({
    fileSystem: factSchema(z.object({ type: z.string(), mountPoint: z.string(), options: z.array(z.string()) })),
    freeBytes: factSchema(byteCount),
    passableByOthers: flag,
  }),
  conditions: z.array(
    z.object({ name: z.enum(HOST_CONDITION_NAMES), message: z.string(), source: z.string(), fix: fixSchema.exactOptional() }),
  ),
})
