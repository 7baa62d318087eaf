// The adapter of ioredis for `respd client-test`: ioredis.mjs HOST PORT.

import { createRequire } from 'node:module';

import { serve } from './adapter.mjs';

// CLIENTS is a folder that has the client, if this one has not.
const { Redis } = createRequire(process.env.CLIENTS ?? import.meta.url)('ioredis');
const [host, port] = process.argv.slice(2);
let client;
const messages = [];

function shown(value) {
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(shown);
  return typeof value === 'number' ? String(value) : value;
}

async function run([word, ...args]) {
  switch (word) {
    case '@connect': {
      const options = {};
      for (let at = 0; at < args.length; at += 2) options[args[at]] = args[at + 1];
      if (options.protocol === '3') return undefined;
      const timeout = Number(options.timeout ?? 1000);
      client = new Redis({
        host, port: Number(port), password: options.password, connectionName: options.name, db: Number(options.db ?? 0),
        connectTimeout: timeout, commandTimeout: timeout, lazyConnect: true,
      });
      client.on('error', () => {});
      client.on('message', (_, message) => messages.push(message));
      await client.connect();
      return 'connected';
    }
    case '@cancel': return undefined;
    case '@pipeline': {
      const replies = await Promise.all(Array.from({ length: Number(args[0]) }, () => client.call(...args.slice(1))));
      return [shown(replies[0]), shown(replies.at(-1)), replies.length];
    }
    case '@messages': return messages;
    case '@close': client.disconnect(); return 'closed';
    case 'SUBSCRIBE': await client.subscribe(...args); return args;
    default: return shown(await client.call(word, ...args));
  }
}

await serve(run);
