import type { EngineName } from './engine.ts'
import { RootlessError } from './errors.ts'
import type { Availability } from './runtime.ts'

/** The error of asking something of an engine that is not there: its reason, every place looked at, and the fix. */
export function toEngineUnavailable(engine: EngineName, availability: Availability): RootlessError {
  const reason = availability.status === 'available' ? 'it gave no facts' : availability.reason
  const evidence = availability.places.map(({ place, answer }) => `${place}: ${answer}`).join('; ')
  const fix = availability.status === 'available' ? undefined : availability.fix
  return new RootlessError('ENGINE_UNAVAILABLE', `rootless ${engine} cannot be used: ${reason}`, {
    engine,
    evidence,
    ...(fix && { fix }),
  })
}
