// The same on Docker, Podman and LXC:  node hello.ts docker|podman|lxc IMAGE_ARCHIVE
import { openRuntime, type EngineName } from 'rootless-runtime'

const [, , engine, archive = ''] = process.argv
const runtime = await openRuntime(engine as EngineName)
await runtime.images.load(archive, { reference: 'hello:latest' })

const { exitCode, stdout, limits } = await runtime.containers.runToEnd({
  image: 'hello:latest',
  command: ['sh', '-c', 'echo hello from $(hostname); exit 7'],
  hostname: 'inside',
  limits: { memoryBytes: 64 * 1024 ** 2, pids: 20, ifUnenforceable: 'warn' },
})
console.log(`${stdout.trim()}, exit code ${exitCode}`)
for (const { asked, status } of limits) console.log(`${asked}: ${status}`)
