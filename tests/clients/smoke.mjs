// What the smokes for Node.js share: counting checks, and ending at the first wrong one.
import assert from 'node:assert/strict';

export const [host, port, unixSocket] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
let count = 0;

/** Counts a check; a wrong one ends the run with what came and what should have. */
export function check(what, got, want = true) {
  assert.deepEqual(got, want, `${what}: got ${show(got)}, wanted ${show(want)}`);
  count += 1;
}

/** The text of the error that a promise is rejected with, '' when it is not. */
export async function errorOf(promise) {
  try {
    await promise;
    return '';
  } catch (error) {
    return error.message;
  }
}

/** The next time that the client says it is ready. (events.once would end at an error before.) */
export function nextReady(client) {
  return new Promise((resolve) => client.once('ready', resolve));
}

/** Every value of a byte, 300 times. */
export const everyByte = Buffer.alloc(256 * 300, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));

/** Runs a smoke and ends the process: 0, or 1 with a message. A hanging client is a failure, too. */
export async function run(name, smoke, seconds = 240) {
  if (!host || !port) {
    console.error(`usage: ${process.argv[1]} HOST PORT [UNIX_SOCKET]`);
    process.exit(2);
  }
  setTimeout(() => fail(name, new Error(`not done after ${seconds} s, ${count} checks passed`)), 1000 * seconds).unref();
  try {
    await smoke();
  } catch (error) {
    fail(name, error);
  }
  console.log(`${name}: ${count} checks passed`);
  process.exit(0);
}

function fail(name, error) {
  console.error(`${name}: ${error.message}`);
  process.exit(1);
}

function show(value) {
  return JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
}
