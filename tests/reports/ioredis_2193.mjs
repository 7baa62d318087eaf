// redis/ioredis#2193: a command that is in flight when the connection drops never settles.

import { command, load, outcome, port, say, stage } from './common.mjs'

const Redis = load('ioredis')
const client = new Redis(port, { autoResendUnfulfilledCommands: process.env.RESEND === 'yes' })
client.on('error', () => {})
await client.ping()

await stage('FAULT ADD drop ON BLPOP TIMES 1 DO CLOSE')
const pop = client.blpop('list', 30)
await new Promise((resolve) => client.once('close', resolve))
await new Promise((resolve) => client.once('ready', resolve))
await command('RPUSH list value')
say(await outcome(pop, 1000))
