// redis/node-redis#2632: a connection that is closed in its handshake is never ready, and there is no other.

import { command, load, outcome, port, say, stage } from './common.mjs'

const { createClient } = load('redis')
await command('ACL SETUSER ada on >secret ~* &* +@all')

await stage('FAULT ADD shake ON AUTH TIMES 1 DO CLOSE')
const client = createClient({ socket: { port }, username: 'ada', password: 'secret' })
client.on('error', () => {})
const ready = new Promise((resolve) => client.once('ready', resolve))
client.connect()
say(await outcome(ready.then(() => client.ping()), 2000))
