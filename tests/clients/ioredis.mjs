// ioredis against a running server.
//
// usage: node ioredis.mjs HOST PORT [UNIX_SOCKET]
//
// Exits 0 when all went well, else with a message. The server must have no password; one is set
// and taken away again. Keys of databases 0 and 3 are written and flushed.
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { check, errorOf, everyByte, host, nextReady, port, run, unixSocket } from './smoke.mjs';

const { version } = createRequire(import.meta.url)('ioredis/package.json');

function connect(options = {}) {
  const client = new Redis({ host, port, ...options });
  // Without a listener it complains of every lost connection; the checks look at it themselves.
  client.on('error', () => {});
  return client;
}

async function smoke() {
  const client = connect({ connectionName: 'smoke' });
  // It becomes ready only when INFO says that nothing is being loaded.
  await nextReady(client);
  check('connect', await client.ping(), 'PONG');
  const id = await client.client('ID');
  const line = (await client.client('LIST')).split('\n').find((l) => l.startsWith(`id=${id} `));
  check('client name', / name=smoke /.test(line));
  check('lib-name in CLIENT LIST', / lib-name=ioredis lib-ver=\d+\./.test(line));

  await client.flushall();
  check('SET', await client.set('greeting', 'hello'), 'OK');
  check('GET', await client.get('greeting'), 'hello');
  check('GET of nothing', await client.get('nothing'), null);
  check('EXISTS', await client.exists('greeting', 'nothing'), 1);
  check('DBSIZE', await client.dbsize(), 1);
  check('DEL', await client.del('greeting', 'nothing'), 1);

  const key = Buffer.from('\0\r\n');
  check('binary SET', await client.set(key, everyByte), 'OK');
  check('binary GET', everyByte.equals(await client.getBuffer(key)));

  const pipeline = client.pipeline();
  for (let i = 0; i < 500; i += 1) pipeline.set(`key:${i}`, i).get(`key:${i}`);
  const replies = await pipeline.exec();
  check('pipeline of 1000', [replies.length, replies[0], replies[999]], [1000, [null, 'OK'], [null, '499']]);
  const broken = await client.pipeline().get('key:1').call('NOSUCH').get('key:2').exec();
  check('an error within a pipeline', [broken[0][1], broken[1][0].message.slice(0, 28), broken[2][1]], ['1', "ERR unknown command 'NOSUCH'", '2']);

  check('unknown command', await errorOf(client.call('NOSUCH', 'a')), "ERR unknown command 'NOSUCH', with args beginning with: 'a' ");
  check('wrong arity', await errorOf(client.call('GET')), "ERR wrong number of arguments for 'get' command");

  const inThree = connect({ db: 3 });
  await inThree.set('only', 'here');
  check('SELECT', [await inThree.get('only'), await client.get('only')], ['here', null]);
  check('INFO keyspace', /^db3:keys=1,/m.test(await client.info('keyspace')));
  inThree.disconnect();

  const report = await client.info();
  check('INFO', ['redis_version:', 'role:master', 'loading:0', `tcp_port:${port}`].filter((field) => !report.includes(field)), []);
  check('CONFIG GET', await client.config('GET', 'databases'), ['databases', '16']);
  check('CONFIG SET', await client.config('SET', 'timeout', 300), 'OK');
  check('CONFIG GET of what was set', await client.config('GET', 'timeout'), ['timeout', '300']);
  await client.config('SET', 'timeout', 0);

  const commands = await client.command();
  check('COMMAND', [commands.find((c) => c[0] === 'get')[1], commands.length], [2, await client.command('COUNT')]);
  check('COMMAND GETKEYS', await client.command('GETKEYS', 'DEL', 'a', 'b'), ['a', 'b']);
  check('COMMAND DOCS', (await client.command('DOCS', 'get'))[0], 'get');

  await publishAndSubscribe(client);
  await scripts(client);

  // A connection that is killed under the client: it opens another one and goes on.
  const other = connect({ connectionName: 'other' });
  check('two connections', [await client.client('GETNAME'), await other.client('GETNAME')], ['smoke', 'other']);
  const popped = client.blpop('nosuch', 'queue', 120);
  await other.rpush('queue', 'first', 'second');
  check('BLPOP', await popped, ['queue', 'first']);
  check('BLMOVE', await client.blmove('queue', 'taken', 'LEFT', 'RIGHT', 120), 'second');
  check('BLPOP in vain', await client.blpop('queue', 0.01), null);
  const scored = client.bzpopmin('scores', 120);
  await other.zadd('scores', 1.5, 'a');
  check('BZPOPMIN', await scored, ['scores', 'a', '1.5']);

  const ready = nextReady(client);
  check('CLIENT KILL', await other.client('KILL', 'ID', id), 1);
  await ready;
  check('reconnects after CLIENT KILL', (await client.client('ID')) > id);
  check('keeps its name over that', await client.client('GETNAME'), 'smoke');

  if (unixSocket) {
    const local = new Redis({ path: unixSocket });
    check('unix socket', await local.ping(), 'PONG');
    local.disconnect();
  }

  // A connection from before stays logged in and takes the password away again.
  await other.config('SET', 'requirepass', 'sesame');
  try {
    const me = connect({ password: 'sesame', connectionName: 'me' });
    check('password and name', await me.client('GETNAME'), 'me');
    me.disconnect();
    const user = connect({ username: 'default', password: 'sesame' });
    check('user and password', await user.ping(), 'PONG');
    user.disconnect();
    const wrong = connect({ password: 'wrong', retryStrategy: null, maxRetriesPerRequest: 0 });
    const [error] = await once(wrong, 'error').then((e) => e, (e) => [e]);
    check('wrong password', error.message, 'WRONGPASS invalid username-password pair or user is disabled.');
    wrong.disconnect();
  } finally {
    await other.config('SET', 'requirepass', '');
  }
  await other.flushall();
  other.disconnect();
  check('QUIT', await client.quit(), 'OK');
}

async function scripts(client) {
  await client.script('FLUSH');
  await client.set('scripted', 'its value');
  client.defineCommand('twice', { numberOfKeys: 1, lua: "return {KEYS[1], ARGV[1], tonumber(ARGV[2]), false, redis.call('GET', KEYS[1])}" });
  const want = ['scripted', 'x', 7, null, 'its value'];
  check('a script, not known yet', await client.twice('scripted', 'x', 7.9), want);
  check('known', await client.twice('scripted', 'x', 7), want);
  check('binary', (await client.twiceBuffer('scripted', everyByte, 7))[1].equals(everyByte));
  check('within a pipeline', await client.pipeline().twice('scripted', 'x', 7).get('scripted').exec(), [[null, want], [null, 'its value']]);
  check('within MULTI', await client.multi().twice('scripted', 'x', 7).get('scripted').exec(), [[null, want], [null, 'its value']]);
  const sha = await client.script('LOAD', 'return 1');
  check('SCRIPT EXISTS', await client.script('EXISTS', sha, '0'.repeat(40)), [1, 0]);
  check('EVALSHA', await client.evalsha(sha, 0), 1);
  check('EVALSHA of nothing', (await errorOf(client.evalsha('0'.repeat(40), 0))).slice(0, 8), 'NOSCRIPT');
  check('an error of its own', await errorOf(client.eval("return redis.error_reply('MINE no such luck')", 0)), 'MINE no such luck');
  const code = "#!lua name=counts\nredis.register_function('more', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)";
  check('FUNCTION LOAD', await client.function('LOAD', 'REPLACE', code), 'counts');
  check('FCALL', [await client.fcall('more', 1, 'count', 5), await client.fcall('more', 1, 'count', 2)], [5, 7]);
  const dump = await client.functionBuffer('DUMP');
  check('FUNCTION RESTORE', [await client.function('FLUSH'), await client.function('RESTORE', dump), await client.fcall('more', 1, 'count', 1)], ['OK', 'OK', 8]);
  check('FUNCTION DELETE', [await client.function('DELETE', 'counts'), await client.function('LIST')], ['OK', []]);
}

async function publishAndSubscribe(client) {
  const listener = connect();
  const heard = [];
  listener.on('message', (channel, message) => heard.push([channel, message]));
  listener.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  listener.on('smessage', (channel, message) => heard.push([channel, message]));
  check('SUBSCRIBE', [await listener.subscribe('news', 'weather'), await listener.psubscribe('n*'), await listener.ssubscribe('shard')], [2, 3, 1]);
  check('PUBLISH', [await client.publish('news', 'hello'), await client.publish('sports', 'x'), await client.spublish('shard', 'y')], [2, 0, 1]);
  // Its answer comes behind the messages.
  await listener.ping();
  check('messages', heard, [['news', 'hello'], ['n*', 'news', 'hello'], ['shard', 'y']]);
  check('PUBSUB', [(await client.pubsub('CHANNELS')).sort(), await client.pubsub('NUMSUB', 'news'), await client.pubsub('NUMPAT')], [['news', 'weather'], ['news', 1], 1]);
  check('UNSUBSCRIBE', [await listener.unsubscribe('news'), await listener.unsubscribe('weather'), await listener.punsubscribe('n*'), await listener.sunsubscribe('shard')], [2, 1, 0, 0]);
  check('a listener is a client again', await listener.echo('x'), 'x');
  listener.disconnect();
}

await run(`ioredis ${version}`, smoke);
