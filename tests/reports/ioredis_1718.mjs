// redis/ioredis#1718: a blocking command is lost when the connection drops again before it is ready.

import { command, load, outcome, port, say, stage } from './common.mjs'

const Redis = load('ioredis')
const client = new Redis(port, { maxRetriesPerRequest: null, retryStrategy: () => 10 })
client.on('error', () => {})
await client.ping()

await stage('FAULT ADD drop ON BLPOP TIMES 1 DO CLOSE')
await stage('FAULT ADD again ON INFO TIMES 1 DO CLOSE')
const pop = client.blpop('list', 30)
await new Promise((resolve) => client.once('ready', resolve))
await command('RPUSH list value')
say(await outcome(pop, 1000))
