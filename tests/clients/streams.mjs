// Streams with node-redis (in RESP2 and RESP3) and ioredis on a running server.
//
// usage: node streams.mjs HOST PORT
//
// Exits 0 when all went well, else with a message. Database 8 is flushed.
import { createClient } from 'redis';
import { Redis } from 'ioredis';
import { check, errorOf, host, port, run } from './smoke.mjs';

/** A plain object: node-redis has no prototype for what it makes of fields and maps. */
const plain = (value) => JSON.parse(JSON.stringify(value));

/** What XREAD and XREADGROUP return: node-redis hands a map of RESP3 on as it comes. */
function streamsOf(reply) {
  if (Array.isArray(reply)) return plain(reply);
  const message = ([id, fields]) => ({ id, message: { [fields[0]]: fields[1] } });
  return Object.entries(plain(reply)).map(([name, entries]) => ({ name, messages: entries.map(message) }));
}

async function ofNodeRedis(RESP) {
  const connect = async () => {
    const client = createClient({ socket: { host, port }, RESP, database: 8, unstableResp3: true });
    client.on('error', () => {});
    return client.connect();
  };
  const [client, other] = [await connect(), await connect()];
  await client.flushDb();
  check('XADD', await client.xAdd('s', '1-1', { f: 'v' }), '1-1');
  check('XADD *', /^\d+-\d+$/.test(await client.xAdd('s', '*', { f: 'w' }, { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: 100 } })));
  check('XADD NOMKSTREAM', await client.xAddNoMkStream('none', '*', { f: 'v' }), null);
  check('XLEN', await client.xLen('s'), 2);
  check('XRANGE', plain(await client.xRange('s', '-', '(2')), [{ id: '1-1', message: { f: 'v' } }]);
  check('XREVRANGE', plain(await client.xRevRange('s', '+', '-', { COUNT: 1 }))[0].message, { f: 'w' });
  const read = streamsOf(await client.xRead({ key: 's', id: '0' }, { COUNT: 1 }));
  check('XREAD', read, [{ name: 's', messages: [{ id: '1-1', message: { f: 'v' } }] }]);
  check('XREAD of nothing', await client.xRead({ key: 's', id: '$' }, { BLOCK: 5 }), null);
  const waits = other.xRead({ key: 's', id: '$' }, { BLOCK: 0 });
  while (!(await client.info('clients')).includes('blocked_clients:1\r\n'));
  const id = await client.xAdd('s', '*', { f: 'later' });
  check('XREAD BLOCK', streamsOf(await waits), [{ name: 's', messages: [{ id, message: { f: 'later' } }] }]);
  check('XINFO STREAM', (await client.xInfoStream('s'))['last-generated-id'], id);
  check('XDEL', await client.xDel('s', ['1-1', '9-9']), 1);
  check('XTRIM', await client.xTrim('s', 'MAXLEN', 1), 1);
  check('XSETID', await client.xSetId('s', id), 'OK');
  check('XGROUP CREATE', await client.xGroupCreate('s', 'g', '0'), 'OK');
  const got = streamsOf(await client.xReadGroup('g', 'ann', { key: 's', id: '>' }));
  check('XREADGROUP', got, [{ name: 's', messages: [{ id, message: { f: 'later' } }] }]);
  check('XPENDING', plain(await client.xPending('s', 'g')), { pending: 1, firstId: id, lastId: id, consumers: [{ name: 'ann', deliveriesCounter: 1 }] });
  check('XCLAIM', plain(await client.xClaim('s', 'g', 'ben', 0, id)).map((claimed) => claimed.id), [id]);
  check('XAUTOCLAIM', plain(await client.xAutoClaim('s', 'g', 'ann', 0, '-')).messages.map((claimed) => claimed.id), [id]);
  check('XINFO GROUPS', (await client.xInfoGroups('s')).map((group) => [group.name, group.consumers, group.pending]), [['g', 2, 1]]);
  check('XINFO CONSUMERS', (await client.xInfoConsumers('s', 'g')).map(({ name, pending }) => [name, pending]), [['ann', 1], ['ben', 0]]);
  check('XACK', await client.xAck('s', 'g', id), 1);
  check('XGROUP DESTROY', await client.xGroupDestroy('s', 'g'), 1);
  check('NOGROUP', (await errorOf(client.xReadGroup('g', 'ann', { key: 's', id: '>' }))).startsWith('NOGROUP'));
  await client.flushDb();
  client.destroy();
  other.destroy();
}

async function ofIoredis() {
  const connect = () => new Redis({ host, port, db: 8 }).on('error', () => {});
  const [client, other] = [connect(), connect()];
  await client.flushdb();
  check('XADD', await client.xadd('s', '1-1', 'f', 'v'), '1-1');
  check('XADD of an id that goes back', (await errorOf(client.xadd('s', '1-1', 'f', 'v'))).includes('equal or smaller'));
  check('XRANGE', await client.xrange('s', '-', '+', 'COUNT', 5), [['1-1', ['f', 'v']]]);
  check('XREAD of nothing', await client.xread('STREAMS', 's', '$'), null);
  const waits = other.xread('BLOCK', 0, 'STREAMS', 's', '$');
  while (!(await client.info('clients')).includes('blocked_clients:1\r\n'));
  await client.xadd('s', '1-2', 'f', 'w');
  check('XREAD BLOCK', await waits, [['s', [['1-2', ['f', 'w']]]]]);
  check('XGROUP CREATE', await client.xgroup('CREATE', 's', 'g', '0'), 'OK');
  check('XREADGROUP', await client.xreadgroup('GROUP', 'g', 'ann', 'COUNT', 1, 'STREAMS', 's', '>'), [['s', [['1-1', ['f', 'v']]]]]);
  check('XPENDING', await client.xpending('s', 'g'), [1, '1-1', '1-1', [['ann', '1']]]);
  check('XAUTOCLAIM', await client.xautoclaim('s', 'g', 'ben', 0, '-'), ['0-0', [['1-1', ['f', 'v']]], []]);
  check('XACK', await client.xack('s', 'g', '1-1'), 1);
  const pipeline = client.pipeline();
  for (let i = 0; i < 100; i += 1) pipeline.xadd('s', 'MAXLEN', '=', 10, '*', 'n', i);
  check('a pipeline', (await pipeline.exec()).filter(([error]) => error).length, 0);
  check('XLEN', await client.xlen('s'), 10);
  await client.flushdb();
  client.disconnect();
  other.disconnect();
}

await run('streams with node-redis and ioredis', async () => {
  await ofNodeRedis(2);
  await ofNodeRedis(3);
  await ofIoredis();
});
