// The adapter of ioredis for `respd client-test`: ioredis.mjs HOST PORT.

import { createRequire } from 'node:module';

import { serve, told } from './adapter.mjs';

// CLIENTS is a folder that has the client, if this one has not.
const { Cluster, Redis } = createRequire(process.env.CLIENTS ?? import.meta.url)('ioredis');
const [host, port] = process.argv.slice(2);
let client;
const messages = [];

function shown(value) {
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(shown);
  return typeof value === 'number' ? String(value) : value;
}

function connect(word, nodes, options) {
  const timeout = Number(options.timeout ?? 1000);
  const common = { connectTimeout: timeout, commandTimeout: timeout, lazyConnect: true };
  if (word === '@cluster') return new Cluster(nodes, { lazyConnect: true, redisOptions: common });
  if (word === '@sentinel') return new Redis({ sentinels: nodes, name: 'main', ...common });
  return new Redis({
    host, port: Number(port), password: options.password, connectionName: options.name, db: Number(options.db ?? 0), ...common,
  });
}

async function run([word, ...args]) {
  switch (word) {
    case '@connect':
    case '@cluster':
    case '@sentinel': {
      const { ports, options } = told(word, args);
      if (options.protocol === '3' || options.cache) return undefined;
      client = connect(word, ports.map((at) => ({ host, port: at })), options);
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
