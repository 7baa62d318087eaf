// The adapter of node-redis for `respd client-test`: node_redis.mjs HOST PORT.

import { createRequire } from 'node:module';

import { serve } from './adapter.mjs';

// CLIENTS is a folder that has the client, if this one has not.
const { createClient } = createRequire(process.env.CLIENTS ?? import.meta.url)('redis');
const [host, port] = process.argv.slice(2);
let client;
const messages = [];

function shown(value) {
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(shown);
  if (value instanceof Set || value instanceof Map) return [...value].map(shown);
  if (typeof value === 'bigint' || Buffer.isBuffer(value)) return value.toString();
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return value !== null && typeof value === 'object' ? Object.entries(value).map(shown) : value;
}

async function run([word, ...args]) {
  switch (word) {
    case '@connect': {
      const options = {};
      for (let at = 0; at < args.length; at += 2) options[args[at]] = args[at + 1];
      const timeout = Number(options.timeout ?? 1000);
      client = createClient({
        socket: { host, port: Number(port), connectTimeout: timeout, socketTimeout: timeout },
        RESP: Number(options.protocol ?? 3), password: options.password, name: options.name,
        database: Number(options.db ?? 0), commandOptions: { timeout },
      });
      client.on('error', () => {});
      // It tries for ever; a program waits for so long.
      let timer;
      const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('not connected yet')), 2 * timeout); });
      await Promise.race([client.connect(), late]).finally(() => clearTimeout(timer));
      return 'connected';
    }
    case '@cancel': {
      const [ms, ...command] = args;
      if (command[0] === '@pipeline') return undefined;
      return shown(await client.withAbortSignal(AbortSignal.timeout(Number(ms))).sendCommand(command));
    }
    case '@pipeline': {
      const replies = await Promise.all(Array.from({ length: Number(args[0]) }, () => client.sendCommand(args.slice(1))));
      return [shown(replies[0]), shown(replies.at(-1)), replies.length];
    }
    case '@messages': return messages;
    case '@close': client.destroy(); return 'closed';
    case 'SUBSCRIBE': await client.subscribe(args, (message) => messages.push(message)); return args;
    default: return shown(await client.sendCommand([word, ...args]));
  }
}

await serve(run);
