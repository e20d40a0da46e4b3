// A web server with limits, on the first engine that can publish a port:  node web-server.ts IMAGE_ARCHIVE
import { selectRuntime } from 'rootless-runtime'

const { runtime, why } = await selectRuntime({ require: { properties: ['publish'] } })
console.log(why.join('\n'))
await runtime.images.load(process.argv[2] ?? '', { reference: 'web:latest' })

await using web = await runtime.containers.run({
  image: 'web:latest',
  command: ['httpd', '-f', '-p', '80', '-h', '/srv'],
  mounts: [{ source: import.meta.dirname, target: '/srv' }],
  ports: [{ container: 80 }],
  limits: { memoryBytes: 64 * 1024 ** 2, cpus: 0.5, pids: 50, ifUnenforceable: 'warn' },
})
await web.waitFor({ port: 80 })

const { address, host } = web.port(80)
const answer = await fetch(`http://${address}:${host}/web-server.ts`)
console.log(`${answer.status}: ${(await answer.text()).split('\n')[0]}`)
for (const { asked, status, evidence } of web.limits) console.log(`${asked}: ${status} (${evidence})`)
