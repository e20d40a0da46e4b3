// PostgreSQL, made of Debian's packages, with a password that no inspect shows:  node database.ts ROOT_FILE_SYSTEM_TAR [ENGINE]
// The tar: mmdebstrap --mode=unshare --variant=minbase --include=postgresql-15 --skip=output/dev,output/mknod bookworm postgres.tar
import { openRuntime, type EngineName } from 'rootless-runtime'
import { Client } from 'pg'

const [, , archive = '', engine = 'podman'] = process.argv
const runtime = await openRuntime(engine as EngineName)
await runtime.images.load(archive, { reference: 'postgres:15', config: { user: 'postgres' } })

const password = crypto.randomUUID()
const folder = '/var/lib/postgresql/data'
const start = `PATH=$PATH:/usr/lib/postgresql/15/bin
  initdb -D ${folder} --auth=scram-sha-256 --pwfile=/run/secrets/password --no-sync
  echo 'host all all all scram-sha-256' >> ${folder}/pg_hba.conf
  exec postgres -D ${folder} -k /tmp -c listen_addresses='*'`

await using database = await runtime.containers.run({
  image: 'postgres:15',
  command: ['sh', '-ec', start],
  secrets: { password },
  ports: [{ container: 5432 }],
  stopSignal: 'SIGINT',
  limits: { memoryBytes: 512 * 1024 ** 2, ifUnenforceable: 'warn' },
})
await database.waitFor({ log: 'ready to accept connections' }, { timeoutMs: 120_000 })
await database.waitFor({ port: 5432 })

const { address, host } = database.port(5432)
const client = new Client({ host: address, port: host, user: 'postgres', password })
await client.connect()
await client.query('CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS number')
const { rows } = await client.query('SELECT count(*)::int, sum(number)::int FROM numbers')
console.log(JSON.stringify(rows[0]))
await client.end()
