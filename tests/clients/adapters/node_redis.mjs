// The adapter of node-redis for `respd client-test`: node_redis.mjs HOST PORT.

import { createRequire } from 'node:module';

import { serve, told } from './adapter.mjs';

// CLIENTS is a folder that has the client, if this one has not.
const { createClient, createCluster, createSentinel } = createRequire(process.env.CLIENTS ?? import.meta.url)('redis');
const [host, port] = process.argv.slice(2);
let client, send;
const messages = [];

function shown(value) {
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(shown);
  if (value instanceof Set || value instanceof Map) return [...value].map(shown);
  if (typeof value === 'bigint' || Buffer.isBuffer(value)) return value.toString();
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return value !== null && typeof value === 'object' ? Object.entries(value).map(shown) : value;
}

/** A client of the server, of a cluster, or of what Sentinels watch; and how it is sent a command. */
function connect(word, ports, options, timeout) {
  const at = (at) => ({ host, port: Number(at), connectTimeout: timeout, socketTimeout: timeout });
  const RESP = Number(options.protocol ?? 3);
  const common = { RESP, commandOptions: { timeout } };
  if (word === '@cluster') {
    const { host: _, port: __, ...socket } = at(0);
    client = createCluster({ rootNodes: ports.map((port) => ({ socket: at(port) })), RESP, defaults: { ...common, socket } });
    send = (args) => client.sendCommand(args[1], false, args);
  } else if (word === '@sentinel') {
    const { host: _, port: __, ...socket } = at(0);
    client = createSentinel({
      name: 'main', sentinelRootNodes: ports.map((port) => ({ host, port })), RESP,
      nodeClientOptions: { ...common, socket }, sentinelClientOptions: { ...common, socket },
    });
    send = (args) => client.sendCommand(false, args);
  } else {
    client = createClient({
      ...common, socket: at(port), password: options.password, name: options.name, database: Number(options.db ?? 0),
      ...(options.cache ? { clientSideCache: { ttl: 0, maxEntries: 0 } } : {}),
    });
    send = (args) => client.sendCommand(args);
  }
}

async function run([word, ...args]) {
  switch (word) {
    case '@connect':
    case '@cluster':
    case '@sentinel': {
      const { ports, options } = told(word, args);
      const timeout = Number(options.timeout ?? 1000);
      connect(word, ports, options, timeout);
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
      const pipeline = client.multi();
      for (let count = 0; count < Number(args[0]); count += 1) pipeline.addCommand(args.slice(1));
      const replies = await pipeline.execAsPipeline();
      return [shown(replies[0]), shown(replies.at(-1)), replies.length];
    }
    case '@messages': return messages;
    case '@close': client.destroy(); return 'closed';
    case 'SUBSCRIBE': await client.subscribe(args, (message) => messages.push(message)); return args;
    // The client keeps what its methods read, and nothing else.
    case 'GET': return shown(await client.get(...args));
    default: return shown(await send([word, ...args]));
  }
}

await serve(run);
