// ioredis' and node-redis' clients of a cluster and of Sentinels, against a server that a test drives (--stage).
//
// usage: node cluster.mjs HOST PORT
//
// STAGE makes the nodes, has them fail over, and takes them down; the clients have to notice. Exits 0 when all went
// well, else with a message.
import Redis, { Cluster } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import { check, host, port, run } from './smoke.mjs';

const driver = new Redis({ host, port });
const stage = (line) => driver.call('STAGE', ...line.split(' '));
const keys = Array.from({ length: 100 }, (_, n) => `key:${n}`);
// A key of each of the three primaries.
const third = { a: 'bar', b: 'x1', c: 'foo' };

/** Three primaries a, b and c, each with a replica; returns their ports. */
async function makeCluster() {
  await stage('RESET');
  const ports = {};
  for (const [name, slots] of [['a', '0-5460'], ['b', '5461-10922'], ['c', '10923-16383']]) {
    ports[name] = await stage(`NODE ADD ${name} SLOTS ${slots}`);
  }
  for (const name of 'abc') ports[`${name}2`] = await stage(`NODE ADD ${name}2 REPLICA-OF ${name}`);
  return ports;
}

/** A primary m and its replica r, and three Sentinels; returns their ports. */
async function makeGroup() {
  await stage('RESET');
  const ports = { m: await stage('NODE ADD m'), r: await stage('NODE ADD r REPLICA-OF m'), sentinels: [] };
  for (const name of ['s0', 's1', 's2']) {
    ports.sentinels.push(await stage(`SENTINEL ADD ${name} MASTER mymaster NODE m QUORUM 2`));
  }
  return ports;
}

/** Returns when a client is blocked in the command. */
async function blockedIn(command) {
  while (!(await driver.client('LIST')).split('\n').some((line) => line.includes(` cmd=${command} `) && / flags=\w*b/.test(line)));
}

/** What both clients of a cluster have to do, said in the words of each. */
async function inCluster(name, client) {
  await Promise.all(keys.map((key, n) => client.set(key, String(n))));
  check(`${name}: every key`, await Promise.all(keys.map((key) => client.get(key))), keys.map((_, n) => String(n)));
  check(`${name}: the whole keyspace`, await driver.dbsize(), 100);
  await stage('NODE MIGRATE 3300 c');
  await client.set('b', 'new');
  check(`${name}: a key made by way of ASK`, await client.get('b'), 'new');
  await stage('NODE MOVE 3300 c');
  check(`${name}: the same by way of MOVED`, await client.get('b'), 'new');
  await stage('NODE FAILOVER a2');
  for (const key of Object.values(third)) await client.set(key, 'failed over');
  check(`${name}: writes after a failover`, await client.get(third.a), 'failed over');
  const popped = client.pop('{x1}list');
  await blockedIn('blpop');
  await stage('NODE FAILOVER b2');
  await client.push('{x1}list', 'after the failover');
  check(`${name}: BLPOP across a failover`, await popped, 'after the failover');
  await stage('NODE DOWN c');
  await stage('NODE FAILOVER c2');
  if (client.waitsForLost) await stage('NODE UP c');
  for (const key of Object.values(third)) await client.set(key, 'lost');
  check(`${name}: writes after a loss`, await client.get(third.c), 'lost');
}

async function withSentinels(name, client, ports) {
  await client.set('a', '1');
  check(`${name}: a write to the primary`, await driver.get('a'), '1');
  await stage('NODE FAILOVER r');
  await client.set('a', '2');
  check(`${name}: writes after a failover`, await driver.get('a'), '2');
  await stage('NODE DOWN r');
  await stage('SENTINEL DOWN s0');
  await stage('NODE FAILOVER m');
  await client.set('a', '3');
  check(`${name}: writes after a loss`, await driver.get('a'), '3');
}

async function smoke() {
  await driver.flushall();
  let ports = await makeCluster();
  const first = new Cluster([{ host, port: ports.a }], { scaleReads: 'slave' });
  // A command that waits keeps others of its connection waiting.
  const popping = new Cluster([{ host, port: ports.a }]);
  await inCluster('ioredis', {
    set: (key, value) => first.set(key, value),
    get: (key) => first.get(key),
    pop: (key) => popping.blpop(key, 60).then(([, value]) => value),
    push: (key, value) => first.rpush(key, value),
  });
  first.disconnect();
  popping.disconnect();

  ports = await makeCluster();
  await driver.flushall();
  const second = createCluster({ rootNodes: [{ socket: { host, port: ports.a } }], useReplicas: true });
  second.on('error', () => {});
  await second.connect();
  check('node-redis: nodes', [second.masters.length, second.replicas.length], [3, 3]);
  await inCluster('node-redis', {
    set: (key, value) => second.set(key, value),
    get: (key) => second.get(key),
    // It would keep others of its connection waiting, too.
    pop: async (key) => {
      const node = await second.nodeClient(second.slots[await driver.cluster('KEYSLOT', key)].master);
      const own = node.duplicate();
      own.on('error', () => {});
      await own.connect();
      const popped = await own.blPop(key, 60).catch((error) => error);
      own.destroy();
      // It is the cluster's client that follows MOVED, and one of its own, for the same reason.
      check('node-redis: what a blocked client is told', String(popped.message).split(' ')[0], 'MOVED');
      const other = second.duplicate();
      other.on('error', () => {});
      await other.connect();
      const { element } = await other.blPop(key, 60);
      other.destroy();
      return element;
    },
    push: (key, value) => second.rPush(key, value),
    // What is for a node that is lost waits until that is back, as a replica, and says where to go.
    waitsForLost: true,
  });
  second.destroy();

  ports = await makeGroup();
  const sentinels = ports.sentinels.map((port) => ({ host, port }));
  const third = new Redis({ sentinels, name: 'mymaster', sentinelRetryStrategy: () => 10, retryStrategy: () => 10 });
  third.on('error', () => {});
  await withSentinels('ioredis with Sentinels', third);
  third.disconnect();

  ports = await makeGroup();
  const fourth = createSentinel({
    name: 'mymaster', sentinelRootNodes: ports.sentinels.map((port) => ({ host, port })), scanInterval: 100,
  });
  fourth.on('error', () => {});
  await fourth.connect();
  await withSentinels('node-redis with Sentinels', fourth);
  fourth.destroy();
  await stage('RESET');
}

await run('clients of clusters and Sentinels in Node.js', smoke);
