// What the suites for queues and limiters in Node.js share: a server that runs scripts, and waiting for
// what it does.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { check, host, port } from './smoke.mjs';

// How long anything may take, in ms: long, for a busy machine. It is never waited out.
const PATIENCE = 60_000;

/** A connection to that database, which is emptied. A server that runs no scripts ends the suite here. */
export async function database(db) {
  const client = new Redis({ host, port, db });
  const answer = await client.eval("return {KEYS[1], ARGV[1], redis.call('PING')}", 1, 'key', 'x').catch((error) => {
    throw new Error(`the server runs no scripts: ${error.message}`);
  });
  check('a script', answer, ['key', 'x', 'PONG']);
  await client.flushdb();
  return client;
}

/** Counts a check that becomes right while it is waited for: probe() gives what is there. */
export async function until(what, want, probe) {
  const patience = Date.now() + PATIENCE;
  let got = await probe();
  while (JSON.stringify(got) !== JSON.stringify(want) && Date.now() < patience) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    got = await probe();
  }
  check(what, got, want);
}

/** The version of a package that is installed. */
export function version(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
}
