// rate-limiter-flexible on a running server, through ioredis and node-redis: points that are consumed by a
// script, penalties, rewards, blocks, bursts, and a queue of calls.
//
// usage: node rate_limits.mjs HOST PORT
//
// Exits 0 when the right calls were refused, else with a message. Database 15 is flushed.
import { createClient } from 'redis';
import limiters from 'rate-limiter-flexible';
import { database, until, version } from './jobs.mjs';
import { check, host, port, run } from './smoke.mjs';

const { BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis, RateLimiterUnion } = limiters;

/** How many points a call has left, or -1 when it is refused. Anything else than a refusal is an error. */
async function call(limiter, key, points = 1, options = {}) {
  try {
    return (await limiter.consume(key, points, options)).remainingPoints;
  } catch (refusal) {
    if (refusal instanceof Error) throw refusal;
    return -1;
  }
}

async function smoke() {
  const db = await database(15);
  const other = createClient({ socket: { host, port }, database: 15 });
  await other.connect();
  await points(db, 'ioredis', { storeClient: db });
  await points(db, 'node-redis', { storeClient: other, useRedisPackage: true });
  await together(db);
  await db.flushdb();
  db.disconnect();
  other.destroy();
}

async function points(db, keyPrefix, client) {
  const limiter = new RateLimiterRedis({ ...client, keyPrefix, points: 5, duration: 600 });
  const calls = [];
  for (let i = 0; i < 7; i += 1) calls.push(await call(limiter, 'ann'));
  check('five may, the sixth may not', calls, [4, 3, 2, 1, 0, -1, -1]);
  const ttl = await db.ttl(`${keyPrefix}:ann`);
  check('its key', [await db.get(`${keyPrefix}:ann`), ttl > 500 && ttl <= 600], ['7', true]);
  const { consumedPoints, remainingPoints, msBeforeNext } = await limiter.get('ann');
  check('what it says', [consumedPoints, remainingPoints, msBeforeNext > 500_000 && msBeforeNext <= 600_000], [7, 0, true]);
  check('nothing of others', await limiter.get('bob'), null);
  check('several points', [await call(limiter, 'bob', 3), await call(limiter, 'bob', 3)], [2, -1]);
  check('a penalty', (await limiter.penalty('cid', 4)).consumedPoints, 4);
  check('a reward', (await limiter.reward('cid', 2)).consumedPoints, 2);
  check('set', [(await limiter.set('cid', 4, 60)).consumedPoints, await call(limiter, 'cid')], [4, 0]);
  await limiter.block('dot', 60);
  check('blocked', [await call(limiter, 'dot'), (await db.ttl(`${keyPrefix}:dot`)) > 50], [-1, true]);
  check('forgotten', [await limiter.delete('ann'), await call(limiter, 'ann')], [true, 4]);
  check('at once', (await Promise.all(Array.from({ length: 50 }, () => call(limiter, 'eve')))).sort((a, b) => b - a).slice(0, 6), [4, 3, 2, 1, 0, -1]);
  // A key that has lost its end gets one again.
  await db.persist(`${keyPrefix}:eve`);
  check('an end again', [await call(limiter, 'eve'), (await db.ttl(`${keyPrefix}:eve`)) > 500], [-1, true]);
  const short = new RateLimiterRedis({ ...client, keyPrefix: `${keyPrefix}:short`, points: 1, duration: 1 });
  await until('one in a second', [0, -1], async () => [await call(short, 'ann'), await call(short, 'ann')]);
  await until('then again', 0, () => call(short, 'ann'));
  const blocking = new RateLimiterRedis({ ...client, keyPrefix: `${keyPrefix}:blocking`, points: 1, duration: 300, blockDuration: 600 });
  check('blocked when it is too much', [await call(blocking, 'ann'), await call(blocking, 'ann'), (await db.ttl(`${keyPrefix}:blocking:ann`)) > 500], [0, -1, true]);
}

async function together(db) {
  const limit = (keyPrefix, points, duration) => new RateLimiterRedis({ storeClient: db, keyPrefix, points, duration });
  const bursty = new BurstyRateLimiter(limit('steady', 1, 600), limit('burst', 2, 600));
  check('a burst', [await call(bursty, 'ann') >= 0, await call(bursty, 'ann') >= 0, await call(bursty, 'ann') >= 0, await call(bursty, 'ann')], [true, true, true, -1]);
  const both = new RateLimiterUnion(limit('minute', 2, 60), limit('hour', 1, 3600));
  check('two limits', (await both.consume('ann')).hour.remainingPoints, 0);
  check('the narrower', Object.keys(await both.consume('ann').catch((refusals) => refusals)), ['hour']);
  const queue = new RateLimiterQueue(limit('queue', 2, 1), { maxQueueSize: 10 });
  const before = Date.now();
  check('calls that wait', (await Promise.all([1, 2, 3, 4].map(() => queue.removeTokens(1)))).length, 4);
  // The limiter's second begins with the first call.
  check('for the next second', Date.now() - before >= 900);
  await until('all keys end', true, async () => (await Promise.all((await db.keys('*')).map((key) => db.ttl(key)))).every((ttl) => ttl !== -1));
}

await run(`rate-limiter-flexible ${version('rate-limiter-flexible')}`, smoke, 100);
