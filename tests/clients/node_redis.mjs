// node-redis against a running server, in RESP2 and RESP3.
//
// usage: node node_redis.mjs HOST PORT [UNIX_SOCKET]
//
// Exits 0 when all went well, else with a message. The server must have no password; one is set
// and taken away again. Keys of databases 0 and 3 are written and flushed.
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { BasicClientSideCache, createClient, defineScript, RESP_TYPES } from 'redis';
import { check, errorOf, everyByte, host, nextReady, port, run, unixSocket } from './smoke.mjs';

const { version } = createRequire(import.meta.url)('redis/package.json');

async function connect(options = {}) {
  const client = createClient({ socket: { host, port }, ...options });
  // Without a listener a lost connection would end the process; the checks look at it themselves.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function smoke(RESP) {
  const defaults = await connect();
  check('connect with defaults', await defaults.ping(), 'PONG');
  defaults.destroy();

  const client = await connect({ RESP, name: 'smoke' });
  const info = await client.clientInfo();
  check('protocol negotiated', info.resp, RESP);
  check('client name', info.name, 'smoke');
  const mine = (await client.clientList()).find((c) => c.id === info.id);
  check('lib-name in CLIENT LIST', [mine.libName, /^\d+\./.test(mine.libVer)], ['node-redis', true]);

  await client.flushAll();
  check('SET', await client.set('greeting', 'hello'), 'OK');
  check('GET', await client.get('greeting'), 'hello');
  check('GET of nothing', await client.get('nothing'), null);
  check('EXISTS', await client.exists(['greeting', 'nothing']), 1);
  check('DBSIZE', await client.dbSize(), 1);
  check('DEL', await client.del(['greeting', 'nothing']), 1);

  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const key = Buffer.from('\0\r\n');
  check('binary SET', (await binary.set(key, everyByte)).toString(), 'OK');
  check('binary GET', everyByte.equals(await binary.get(key)));

  const sets = Array.from({ length: 500 }, (_, i) => client.set(`key:${i}`, String(i)));
  const gets = Array.from({ length: 500 }, (_, i) => client.get(`key:${i}`));
  await Promise.all(sets);
  check('pipeline of 1000', await Promise.all(gets), Array.from({ length: 500 }, (_, i) => String(i)));

  check('unknown command', await errorOf(client.sendCommand(['NOSUCH', 'a'])), "ERR unknown command 'NOSUCH', with args beginning with: 'a' ");
  check('wrong arity', await errorOf(client.sendCommand(['GET'])), "ERR wrong number of arguments for 'get' command");

  const inThree = await connect({ RESP, database: 3 });
  await inThree.set('only', 'here');
  check('SELECT', [await inThree.get('only'), await client.get('only')], ['here', null]);
  check('INFO keyspace', /^db3:keys=1,/m.test(await client.info('keyspace')));
  inThree.destroy();

  const report = await client.info();
  check('INFO', ['redis_version:', 'role:master', 'loading:0', `tcp_port:${port}`].filter((line) => !report.includes(line)), []);
  check('CONFIG GET', { ...(await client.configGet('databases')) }, { databases: '16' });
  check('CONFIG SET', await client.configSet({ timeout: '300', 'tcp-keepalive': '200' }), 'OK');
  check('CONFIG GET, several', { ...(await client.configGet(['timeout', 'tcp-keepalive'])) }, { timeout: '300', 'tcp-keepalive': '200' });
  await client.configSet({ timeout: '0', 'tcp-keepalive': '300' });

  const commands = await client.command();
  const get = commands.find((c) => c.name === 'get');
  check('COMMAND', [get.arity, get.firstKeyIndex, get.flags.has('readonly'), commands.length], [2, 1, true, await client.commandCount()]);
  check('COMMAND INFO', (await client.commandInfo(['get', 'nosuch'])).map((c) => c && c.name), ['get', null]);
  check('COMMAND LIST', (await client.commandList()).includes('get'));
  check('COMMAND GETKEYS', await client.commandGetKeys(['DEL', 'a', 'b']), ['a', 'b']);
  check('COMMAND GETKEYSANDFLAGS', (await client.commandGetKeysAndFlags(['GET', 'k'])).map((k) => [k.key, [...k.flags]]), [['k', ['RO', 'access']]]);
  check('COMMAND DOCS', JSON.stringify(await client.sendCommand(['COMMAND', 'DOCS', 'get'])).includes('summary'));
  check('TRACKINGINFO', typeof (await client.clientTrackingInfo()), 'object');

  await publishAndSubscribe(client, RESP);
  await scripts(RESP);
  if (RESP === 3) {
    await caching(client);
  }

  // A connection that is killed under the client: it opens another one and goes on.
  const other = await connect({ RESP, name: 'other' });
  check('two connections', [await client.clientGetName(), await other.clientGetName()], ['smoke', 'other']);
  const popped = client.blPop(['nosuch', 'queue'], 120);
  await other.rPush('queue', ['first', 'second']);
  check('BLPOP', { ...(await popped) }, { key: 'queue', element: 'first' });
  check('BLMOVE', await client.blMove('queue', 'taken', 'LEFT', 'RIGHT', 120), 'second');
  check('BLPOP in vain', await client.blPop('queue', 0.01), null);
  const scored = client.bzPopMin('scores', 120);
  await other.zAdd('scores', { value: 'a', score: 1.5 });
  check('BZPOPMIN', { ...(await scored) }, { key: 'scores', value: 'a', score: 1.5 });

  const ready = nextReady(client);
  check('CLIENT KILL', await other.clientKill({ filter: 'ID', id: info.id }), 1);
  await ready;
  check('reconnects after CLIENT KILL', (await client.clientId()) > info.id);
  check('keeps its name over that', await client.clientGetName(), 'smoke');

  if (unixSocket) {
    const local = await connect({ RESP, socket: { path: unixSocket } });
    check('unix socket', await local.ping(), 'PONG');
    local.destroy();
  }

  // A connection from before stays logged in and takes the password away again.
  await other.configSet('requirepass', 'sesame');
  try {
    const me = await connect({ RESP, password: 'sesame', name: 'me' });
    check('password and name', await me.clientGetName(), 'me');
    me.destroy();
    const user = await connect({ RESP, username: 'default', password: 'sesame' });
    check('user and password', await user.ping(), 'PONG');
    user.destroy();
    const noRetry = { socket: { host, port, reconnectStrategy: false }, RESP };
    check('wrong password', await errorOf(connect({ ...noRetry, password: 'wrong' })), 'WRONGPASS invalid username-password pair or user is disabled.');
  } finally {
    await other.configSet('requirepass', '');
  }
  await other.flushAll();
  other.destroy();
  await client.close();
}

async function publishAndSubscribe(client, RESP) {
  const listener = await connect({ RESP });
  const heard = [];
  const listen = (message, channel) => heard.push([channel, message]);
  await listener.subscribe(['news', 'weather'], listen);
  await listener.pSubscribe('n*', listen);
  await listener.sSubscribe('shard', listen);
  check('PUBLISH', [await client.publish('news', 'hello'), await client.publish('sports', 'x'), await client.sPublish('shard', 'y')], [2, 0, 1]);
  // Its answer comes behind the messages.
  await listener.ping();
  check('messages', heard, [['news', 'hello'], ['news', 'hello'], ['shard', 'y']]);
  check('PUBSUB', [(await client.pubSubChannels()).sort(), { ...(await client.pubSubNumSub(['news'])) }, await client.pubSubNumPat()], [['news', 'weather'], { news: 1 }, 1]);
  await listener.unsubscribe(['news', 'weather']);
  await listener.pUnsubscribe('n*');
  await listener.sUnsubscribe('shard');
  check('no more', await client.publish('news', 'hello'), 0);
  check('a listener is a client again', String(await listener.echo('x')), 'x');
  listener.destroy();
}

// The client-side cache: what it has read it keeps, until the server says that it changed.
/** Scripts and functions, which this client knows by name when it is told of them. */
async function scripts(RESP) {
  const lua = "return {KEYS[1], ARGV[1], tonumber(ARGV[2]), false, redis.call('GET', KEYS[1])}";
  const twice = defineScript({
    SCRIPT: lua,
    NUMBER_OF_KEYS: 1,
    parseCommand: (parser, key, ...words) => (parser.pushKey(key), parser.push(...words)),
    transformReply: (reply) => reply,
  });
  const more = {
    NUMBER_OF_KEYS: 1,
    parseCommand: (parser, key, by) => (parser.pushKey(key), parser.push(by)),
    transformReply: undefined,
  };
  const client = await connect({ RESP, scripts: { twice }, functions: { counts: { more } } });
  await client.scriptFlush();
  await client.set('scripted', 'its value');
  const want = ['scripted', 'x', 7, null, 'its value'];
  check('a script, not known yet', await client.twice('scripted', 'x', '7.9'), want);
  check('SCRIPT EXISTS', await client.scriptExists([twice.SHA1, '0'.repeat(40)]), [1, 0]);
  check('EVALSHA', await client.evalSha(twice.SHA1, { keys: ['scripted'], arguments: ['x', '7'] }), want);
  check('within MULTI', await client.multi().twice('scripted', 'x', '7').get('scripted').exec(), [want, 'its value']);
  check('EVALSHA of nothing', (await errorOf(client.evalSha('0'.repeat(40)))).slice(0, 8), 'NOSCRIPT');
  check('an error of its own', await errorOf(client.eval("return redis.error_reply('MINE no such luck')")), 'MINE no such luck');
  check('EVAL_RO', await client.evalRo("return redis.call('GET', KEYS[1])", { keys: ['scripted'] }), 'its value');
  const code = `#!lua name=counts
    redis.register_function{function_name='more', callback=function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end}`;
  check('FUNCTION LOAD', await client.functionLoad(code, { REPLACE: true }), 'counts');
  check('FCALL', [await client.counts.more('count', '5'), await client.counts.more('count', '2')], [5, 7]);
  const [library] = await client.functionList({ LIBRARYNAME: 'counts' });
  check('FUNCTION LIST', [library.library_name, library.engine, library.functions.map(({ name, flags }) => [name, [...flags]])], ['counts', 'LUA', [['more', []]]]);
  check('FUNCTION STATS', { ...(await client.functionStats()).engines.LUA }, { libraries_count: 1, functions_count: 1 });
  check('FUNCTION DELETE', [await client.functionDelete('counts'), await client.functionList()], ['OK', []]);
  client.destroy();
}

async function caching(writer) {
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 100, evictPolicy: 'LRU' });
  const cached = await connect({ RESP: 3, clientSideCache: cache });
  for (const value of ['1', '2']) {
    const told = cache.size() > 0 && once(cache, 'invalidate');
    await writer.set('cached', value);
    await told;
    const reads = [await cached.get('cached'), await cached.get('cached'), await cached.get('cached')];
    check('a read is kept', [reads, cache.size()], [[value, value, value], 1]);
  }
  const { hitCount, missCount } = cache.stats();
  check('what is kept is not read again', [hitCount, missCount], [4, 2]);
  await Promise.all([once(cache, 'invalidate'), writer.flushAll()]);
  check('a flush empties it', await cached.get('cached'), null);
  cached.destroy();
}

await run(`node-redis ${version}`, async () => {
  await smoke(2);
  await smoke(3);
});
