import { openLiveDriver } from './podman-live.ts'

// A process of its own, which the test ends by force.
const driver = await openLiveDriver()
await driver.containers.list({}, {})
console.log('held')
setInterval(() => undefined, 1000)
