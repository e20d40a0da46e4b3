import * as z from 'zod'
import {
  CGROUP_MANAGERS,
  CGROUP_VERSIONS,
  LIMIT_NAMES,
  NETWORK_DRIVERS,
  NETWORK_PROPERTIES,
  PORT_DRIVERS,
  STORAGE_DRIVERS,
} from './capabilities.ts'
import { ENGINE_NAMES } from './engine.ts'
import { RootlessError } from './errors.ts'
import { fixSchema } from './fix-schema.ts'
import { hostFactsSchema } from './host-facts-schema.ts'
import { printable } from './printable.ts'
import { REPORT_VERSION, type Report } from './report.ts'
import { PLACE_VERDICTS } from './runtime.ts'

function findingSchema<Value extends z.ZodType>(value: Value) {
  return z.discriminatedUnion('status', [
    z.object({ status: z.literal('supported'), value, evidence: z.string(), note: z.string().exactOptional() }),
    z.object({ status: z.literal('unsupported'), reason: z.string(), evidence: z.string(), fix: fixSchema.exactOptional() }),
    z.object({ status: z.literal('unknown'), reason: z.string() }),
  ])
}

const driverUse = findingSchema(z.enum(['in use', 'available']))
const promise = findingSchema(z.literal(true))

const capabilitiesSchema = z.object({
  networking: z.object({
    driver: findingSchema(z.enum(NETWORK_DRIVERS)),
    drivers: z.record(z.enum(NETWORK_DRIVERS), driverUse),
    portDriver: findingSchema(z.enum(PORT_DRIVERS)),
    mtuBytes: findingSchema(z.number().int().positive()),
    properties: z.record(z.enum(NETWORK_PROPERTIES), promise),
  }),
  storage: z.object({
    driver: findingSchema(z.enum(STORAGE_DRIVERS)),
    drivers: z.record(z.enum(STORAGE_DRIVERS), driverUse),
    backingFileSystem: findingSchema(z.string()),
    layers: findingSchema(z.enum(['shared', 'copied'])),
  }),
  cgroup: z.object({
    version: findingSchema(z.enum(CGROUP_VERSIONS)),
    versions: z.record(z.enum(CGROUP_VERSIONS), driverUse),
    manager: findingSchema(z.enum(CGROUP_MANAGERS)),
    managers: z.record(z.enum(CGROUP_MANAGERS), driverUse),
    controllers: findingSchema(z.array(z.string())),
    limits: z.record(z.enum(LIMIT_NAMES), promise),
  }),
})

const places = z.array(z.object({ place: z.string(), answer: z.string(), verdict: z.enum(PLACE_VERDICTS) }))

const availabilitySchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('available'), version: z.string(), endpoint: z.string(), places }),
  z.object({ status: z.literal('unavailable'), reason: z.string(), places, fix: fixSchema.exactOptional() }),
  z.object({ status: z.literal('unknown'), reason: z.string(), places, fix: fixSchema.exactOptional() }),
])

/** The schema of a report. `rootless schema` prints it as JSON Schema. */
export const reportSchema: z.ZodType<Report> = z
  .object({
    reportVersion: z.literal(REPORT_VERSION),
    toolVersion: z.string(),
    createdAt: z.iso.datetime().describe('When the report was made, UTC'),
    host: hostFactsSchema,
    engines: z.array(
      z.object({ engine: z.enum(ENGINE_NAMES), availability: availabilitySchema, capabilities: capabilitiesSchema.nullable() }),
    ),
  })
  .meta({ title: 'rootless-runtime report', description: 'Everything about one host at one time' })

/**
 * Reads a report back from JSON text.
 *
 * @throws RootlessError `INVALID_ARGUMENT` when the text is not JSON or not a report of this version.
 */
export function parseReport(text: string): Report {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new RootlessError('INVALID_ARGUMENT', `the report is not JSON: ${printable(String(cause))}`, { cause })
  }
  const parsed = reportSchema.safeParse(json)
  if (parsed.success) return parsed.data
  throw new RootlessError(
    'INVALID_ARGUMENT',
    `not a report of version ${REPORT_VERSION}: ${printable(z.prettifyError(parsed.error))}`,
    {
      cause: parsed.error,
    },
  )
}

/** The JSON Schema (draft 2020-12) of a report, from the same source as the check that reads one. */
export function toReportJsonSchema(): object {
  return z.toJSONSchema(reportSchema, { target: 'draft-2020-12' })
}
