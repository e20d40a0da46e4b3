// Runs code that nobody trusts: no network, nothing to write but memory, limits and a deadline.  node sandbox.ts IMAGE_ARCHIVE 'CODE'
import { openRuntime, RootlessError, type EngineName } from 'rootless-runtime'

const [, , archive = '', code = 'echo 6 times 7 is $((6 * 7))', engine = 'podman'] = process.argv
const runtime = await openRuntime(engine as EngineName)
await runtime.images.load(archive, { reference: 'sandbox:latest' })

try {
  const { exitCode, stdout, stderr, outOfMemory, limits } = await runtime.containers.runToEnd({
    image: 'sandbox:latest',
    command: ['sh', '-c', code],
    user: '1000:1000',
    network: 'none',
    readOnlyRoot: true,
    mounts: [{ kind: 'tmpfs', target: '/tmp', sizeBytes: 16 * 1024 ** 2 }],
    dropCapabilities: ['ALL'],
    // Where a limit cannot be kept, `throw` (which is what happens unless told) refuses to run the code at all.
    limits: { memoryBytes: 64 * 1024 ** 2, cpus: 0.5, pids: 32, ifUnenforceable: 'warn' },
    maximumOutputBytes: 64 * 1024,
    signal: AbortSignal.timeout(10_000),
  })
  const killed = outOfMemory.status === 'known' && outOfMemory.value ? ', killed for its memory' : ''
  console.log(JSON.stringify({ exitCode, stdout, stderr }) + killed)
  for (const { asked, status } of limits) console.log(`${asked}: ${status}`)
} catch (error) {
  if (!(error instanceof RootlessError)) throw error
  console.log(`${error.code}: ${error.message}`)
}
