import { becomeUser, createLocalSystem } from '@rootless-runtime/host'
import { listRuntimes, loadDrivers } from 'rootless-runtime'

// `remove-images.ts USER IMAGE`, as root: what a test has loaded into that user's engines.

const [, , user = '', image = ''] = process.argv
await loadDrivers()
await becomeUser(createLocalSystem(), user)
for (const { images } of await listRuntimes()) await images.remove(image)
