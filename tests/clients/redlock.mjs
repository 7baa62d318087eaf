// Redlock on a running server: locks over several keys at once, made, extended and released by scripts,
// through ioredis. Three connections stand for three servers; what needs most of them has most of them.
//
// usage: node redlock.mjs HOST PORT
//
// Exits 0 when the locks hold, else with a message. Databases 1 to 3 and 14 are flushed.
import { Redis } from 'ioredis';
import Redlock from 'redlock';
import { database, until, version } from './jobs.mjs';
import { check, errorOf, host, port, run } from './smoke.mjs';

async function smoke() {
  const db = await database(14);
  await one(db);
  await contended(db);
  await quorum();
  await db.flushdb();
  db.disconnect();
}

/** Locks that are tried once. */
async function one(db) {
  const locks = new Redlock([db], { retryCount: 0 });
  locks.on('error', () => {});
  let lock = await locks.acquire(['door', 'window'], 60_000);
  const left = await db.pttl('window');
  check('both keys', [await db.get('door'), await db.get('window'), left > 0 && left <= 60_000], [lock.value, lock.value, true]);
  const refused = /quorum|locked/;
  check('one of them again', refused.test(await errorOf(locks.acquire(['window', 'gate'], 60_000))), true);
  check('changes nothing', await db.exists('gate'), 0);
  lock = await lock.extend(120_000);
  check('for longer', [(await db.pttl('door')) > 60_000, (await db.pttl('window')) > 60_000], [true, true]);
  await db.set('window', 'stolen');
  check('not when one is stolen', refused.test(await errorOf(lock.extend(60_000))), true);
  check('it stays so', await db.get('window'), 'stolen');
  await db.set('window', lock.value, 'KEEPTTL');
  await lock.release();
  check('released', await db.exists('door', 'window'), 0);
  check('not twice', refused.test(await errorOf(lock.release())), true);
  const short = await locks.acquire(['door'], 10);
  await until('one that ended', 0, () => db.exists('door'));
  check('is not extended', /expired|already/.test(await errorOf(short.extend(10))), true);
  // The scripts are sent by their digest: a server that has forgotten them hears them again.
  await db.script('FLUSH');
  await (await locks.acquire(['door'], 60_000)).release();
  check('after SCRIPT FLUSH', await db.exists('door'), 0);
}

/** Eight that each count up by a read and a write, which only a lock makes one step. */
async function contended(db) {
  await db.set('count', 0);
  const counts = Array.from({ length: 8 }, async () => {
    const mine = new Redis({ host, port, db: 14 });
    const locks = new Redlock([mine], { retryCount: -1, retryDelay: 2, retryJitter: 3 });
    for (let step = 0; step < 10; step += 1) {
      await locks.using(['counting'], 60_000, async (signal) => {
        const count = Number(await mine.get('count'));
        await mine.set('count', count + 1);
        if (signal.aborted) throw signal.error;
      });
    }
    mine.disconnect();
  });
  await Promise.all(counts);
  check('every step counts', await db.get('count'), '80');
  // A lock that is held on to: it is extended while its work goes on.
  const locks = new Redlock([db], { automaticExtensionThreshold: 4800 });
  await locks.using(['long'], 5000, async () => {
    const value = await db.get('long');
    const first = await db.pexpiretime('long');
    await until('extended by itself', true, async () => (await db.pexpiretime('long')) > first);
    check('still its own', await db.get('long'), value);
  });
  check('then released', await db.exists('long'), 0);
}

/** Two of three are enough, one is not. */
async function quorum() {
  const servers = [1, 2, 3].map((db) => new Redis({ host, port, db }));
  await Promise.all(servers.map((server) => server.flushdb()));
  const locks = new Redlock(servers, { retryCount: 0 });
  locks.on('error', () => {});
  const held = () => Promise.all(servers.map((server) => server.get('door')));
  await servers[0].set('door', 'another');
  const lock = await locks.acquire(['door'], 60_000);
  check('two of three', await held(), ['another', lock.value, lock.value]);
  await lock.release();
  check('released', await held(), ['another', null, null]);
  await servers[1].set('door', 'another');
  check('one of three', /quorum/.test(await errorOf(locks.acquire(['door'], 60_000))), true);
  await until('is given up', ['another', 'another', null], held);
  await Promise.all(servers.map((server) => server.flushdb()));
  await locks.quit();
}

await run(`redlock ${version('redlock')}`, smoke, 100);
