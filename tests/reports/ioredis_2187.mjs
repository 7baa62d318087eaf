// redis/ioredis#2187: a SUBSCRIBE that is refused after a reconnect ends the process.

import { load, port, say, stage } from './common.mjs'

const Redis = load('ioredis')
const client = new Redis(port)
client.on('error', () => say('the client has an error event'))
process.on('unhandledRejection', () => say('the process has an unhandled rejection'))
await client.subscribe('news')

await stage("FAULT ADD refused ON SUBSCRIBE TIMES 1 DO ERROR 'NOPERM no permissions'")
await stage('FAULT ADD drop ON PING TIMES 1 DO CLOSE')
client.ping().catch(() => {})
setTimeout(say, 2000, 'nothing happens')
