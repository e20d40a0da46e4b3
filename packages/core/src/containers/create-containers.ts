import type { Containers } from './container.ts'
import type { DriverContext, EngineDriver } from './driver.ts'
import { RootlessError } from '../errors.ts'

export function createContainers(driver: EngineDriver, context: DriverContext): Containers {
  throw new RootlessError('NOT_SUPPORTED', `${driver.containers.engine}: ${context.timeoutMs}`)
}
