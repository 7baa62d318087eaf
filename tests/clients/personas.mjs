// node-redis and ioredis against a respd that answers as some persona.
//
// usage: node personas.mjs HOST PORT PERSONA open|password|needless
//
// The password must be "sesame" in the second case, and none in the others. What is to come of it is
// in personas.txt. Exits 0 when it does. With RECORD in the environment it prints what comes instead.
import { connect as dial } from 'node:net';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createClient } from 'redis';
import { Redis } from 'ioredis';

const [host, port, persona, situation] = [process.argv[2], Number(process.argv[3]), ...process.argv.slice(4)];
const password = 'sesame';
const login = situation === 'open' ? {} : { password };

let warnings = 0;
console.warn = () => { warnings += 1; };

async function nodeRedis(options) {
  const client = createClient({ socket: { host, port, reconnectStrategy: false }, ...login, ...options });
  client.on('error', () => {});
  await client.connect();
  await client.ping();
  client.destroy();
}

async function ioredis() {
  const client = new Redis({ host, port, retryStrategy: null, maxRetriesPerRequest: 0, ...login });
  client.on('error', () => {});
  await client.ping();
  client.disconnect();
}

/** The columns of personas.txt that are ours. */
const modes = {
  'node-redis': () => nodeRedis({}),
  'node-redis:2': () => nodeRedis({ RESP: 2 }),
  'node-redis:3': () => nodeRedis({ RESP: 3 }),
  ioredis,
};

function expected() {
  const text = readFileSync(new URL('personas.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  const [head, ...rows] = lines.map((line) => line.trim().split(/\s+/));
  const row = rows.find((words) => words[0] === persona && words[1] === situation);
  return Object.fromEntries(head.map((name, index) => [name, row[index]]));
}

/** How many errors the server has sent so far. */
async function refusals() {
  const link = dial(port, host);
  let report = '';
  link.on('data', (bytes) => { report += bytes; });
  link.end(`${situation === 'password' ? `AUTH ${password}\r\n` : ''}INFO stats\r\n`);
  await once(link, 'close');
  return Number(/total_error_replies:(\d+)/.exec(report)[1]);
}

async function outcome(connect) {
  const before = await refusals();
  warnings = 0;
  try {
    await connect();
  } catch {
    return 'fails';
  }
  if (warnings > 0) return 'warns';
  return (await refusals()) === before ? 'works' : 'goes-on';
}

const found = {};
for (const [name, connect] of Object.entries(modes)) found[name] = await outcome(connect);
if ('RECORD' in process.env) {
  console.log(Object.entries(found).map(([name, word]) => `${name}=${word}`).join(' '));
} else {
  const want = expected();
  for (const [name, word] of Object.entries(found)) {
    if (word !== want[name]) {
      console.error(`${name} with ${persona}, ${situation}: ${word}, and it should be: ${want[name]}`);
      process.exit(1);
    }
  }
}
process.exit(0);
