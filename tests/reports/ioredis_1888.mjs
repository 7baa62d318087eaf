// redis/ioredis#1888: a blocking command whose connection has died without a word waits for ever.

import { load, outcome, port, say, stage } from './common.mjs'

const Redis = load('ioredis')
const client = new Redis(port, { blockingTimeout: 500, blockingTimeoutGrace: 100 })
client.on('error', () => {})
await client.ping()

await stage('FAULT ADD dead ON BZPOPMIN DO HANG')
say(await outcome(client.bzpopmin('set', 0.2), 2000))
