// node-redis and ioredis over TLS: usage tls.mjs PORT. Certificates are those of tests/tls/.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import Redis from 'ioredis';

const port = Number(process.argv[2]);
const file = (name) => readFileSync(new URL(`../tls/${name}`, import.meta.url));
const tls = { ca: file('ca.crt'), cert: file('ann.crt'), key: file('ann.key'), servername: 'localhost' };
const large = Buffer.alloc(100 << 20, 'x');

const ioredis = new Redis({ host: '127.0.0.1', port, tls });
assert.equal(await ioredis.acl('WHOAMI'), 'ann');
await ioredis.flushall();
assert.deepEqual(await ioredis.multi().set('a', 1).incr('a').exec(), [[null, 'OK'], [null, 2]]);
const pipeline = ioredis.pipeline();
for (let n = 0; n < 10_000; n++) pipeline.rpush('list', n);
assert.equal((await pipeline.exec()).at(-1)[1], 10_000);
const listener = ioredis.duplicate();
await listener.subscribe('news');
const heard = new Promise((resolve) => listener.on('message', (_, message) => resolve(message)));
assert.equal(await ioredis.publish('news', 'hello'), 1);
assert.equal(await heard, 'hello');
await ioredis.set('large', large);
assert.ok(large.equals(await ioredis.getBuffer('large')));
await Promise.all([ioredis.quit(), listener.quit()]);
console.log('ioredis over TLS: passed');

const client = createClient({ socket: { host: '127.0.0.1', port, tls: true, ...tls } });
client.on('error', (error) => { throw error; });
await client.connect();
assert.equal(await client.sendCommand(['ACL', 'WHOAMI']), 'ann');
assert.deepEqual(await client.multi().set('a', '1').incr('a').exec(), ['OK', 2]);
const pushes = await Promise.all(Array.from({ length: 10_000 }, (_, n) => client.lPush('other', String(n))));
assert.equal(pushes.at(-1), 10_000);
const subscriber = client.duplicate();
await subscriber.connect();
const told = new Promise((resolve) => subscriber.subscribe('news', resolve).then(() => client.publish('news', 'hello')));
assert.equal(await told, 'hello');
await client.set('large', large.toString());
assert.equal((await client.get('large')).length, large.length);
await Promise.all([client.quit(), subscriber.quit()]);
console.log('node-redis over TLS: passed');
