// redis/ioredis#1084: a pipeline of which only the beginning is answered before the connection drops never settles.

import { load, outcome, port, say, stage } from './common.mjs'

const Redis = load('ioredis')
const client = new Redis(port, { reconnectOnError: () => 2 })
client.on('error', () => {})
await client.ping()

await stage("FAULT ADD moved ON INCR SKIP 1 TIMES 1 DO ERROR 'READONLY not a primary' THEN CLOSE")
const pipeline = client.pipeline()
for (let i = 0; i < 6; i++) pipeline.incr(`counter${i}`)
const replies = pipeline.exec().then((all) => all.map(([error]) => (error ? 'error' : 'value')))
say(await outcome(replies, 2000))
