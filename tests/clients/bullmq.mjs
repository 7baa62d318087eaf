// BullMQ, the queue library, against a running server: some fifty scripts, with cmsgpack and cjson.
//
// usage: node bullmq.mjs HOST PORT
//
// Most of its scripts tell of what they did in a stream (XADD), and QueueEvents reads it. Where the server
// has no streams their scripts are made to tell nothing, the suite says so, and leaves out what hears of it;
// all else is done all the same. Exits 0 when each job came out as it should, else with a message.
// Database 11 is flushed.
import { createRequire } from 'node:module';
import { FlowProducer, Queue, QueueEvents, UnrecoverableError, WaitingChildrenError, Worker } from 'bullmq';
import { database, until, version } from './jobs.mjs';
import { check, errorOf, host, port, run } from './smoke.mjs';

const connection = { host, port, db: 11, maxRetriesPerRequest: null };
const opened = [];

function opens(made) {
  made.on('error', () => {});
  opened.push(made);
  return made;
}

const queue = (name, options = {}) => opens(new Queue(name, { connection, ...options }));
const worker = (name, work, options = {}) => opens(new Worker(name, work, { connection, ...options }));

/** Scripts that write to no stream, and are else what they were. */
function tellNothing() {
  const call = 'local rcall = redis.call';
  const deaf = `local rcall = function(command, ...)
  if command == "XADD" or command == "XTRIM" then return false end
  return redis.call(command, ...)
end`;
  for (const script of Object.values(createRequire(import.meta.url)('bullmq/dist/cjs/scripts'))) {
    if (/"X(ADD|TRIM)"/.test(script.content)) script.content = script.content.replaceAll(call, deaf);
  }
}

async function smoke() {
  const db = await database(11);
  const streams = (await db.command('INFO', 'xadd'))[0] !== null;
  if (!streams) tellNothing();
  await work(db);
  await orders();
  await failures();
  await times();
  await scheduled();
  await flows();
  await limits();
  await stalled(db);
  await housekeeping(db);
  if (streams) await events(db);
  await Promise.all(opened.map((made) => made.close()));
  await db.flushdb();
  db.disconnect();
  if (!streams) console.log('bullmq: without streams: its events were left out');
}

/** Waits until a job is done, and for what it returned. */
async function returned(what, want, made, job) {
  await until(what, want, async () => (await made.getJob(job.id)).returnvalue);
}

async function work(db) {
  const sums = queue('sums');
  const first = await sums.add('sum', { a: 1, b: 2 });
  check('it waits', [first.id, await first.getState(), await sums.getJobCounts('wait', 'active')], ['1', 'waiting', { active: 0, wait: 1 }]);
  const far = [];
  const adding = worker('sums', async (job, token) => {
    await job.updateProgress({ done: 50 });
    await job.log(`${job.data.a} and ${job.data.b}`);
    await job.extendLock(token, 60_000);
    return job.data.a + job.data.b;
  }, { concurrency: 3, metrics: { maxDataPoints: 100 } });
  adding.on('progress', (job, progress) => far.push(progress.done));
  await returned('its result', 3, sums, first);
  const jobs = await sums.addBulk(Array.from({ length: 30 }, (_, i) => ({ name: 'sum', data: { a: i, b: i } })));
  await until('results', jobs.map((_, i) => 2 * i), async () => Promise.all(jobs.map(async ({ id }) => (await sums.getJob(id)).returnvalue)));
  await until('all of them', { wait: 0, active: 0, completed: 31, failed: 0 }, () => sums.getJobCounts('wait', 'active', 'completed', 'failed'));
  await until('how far', 31, () => far.length);
  check('its log', await sums.getJobLogs('1'), { logs: ['1 and 2'], count: 1 });
  check('some of them', (await sums.getJobs(['completed'], 0, 2, true)).length, 3);
  await sums.add('sum', { a: 1, b: 1 }, { jobId: 'seven' });
  check('the same id again', [(await sums.add('sum', {}, { jobId: 'seven' })).id, (await sums.getJob('seven')).data], ['seven', { a: 1, b: 1 }]);
  await until('it too', 32, () => sums.getCompletedCount());
  check('metrics', (await sums.getMetrics('completed')).meta.count, 32);
  check('no locks are left', await db.keys('bull:sums:*:lock'), []);
  check('the workers', (await sums.getWorkers()).length >= 1);
}

/** The order in which jobs are done, one at a time. */
async function orders() {
  const letters = queue('letters');
  await letters.pause();
  check('paused', await letters.isPaused());
  for (const [name, priority] of [['e', 3], ['c', 1], ['f', 3], ['d', 2]]) await letters.add(name, {}, { priority });
  await letters.add('b', {});
  await letters.add('a', {}, { lifo: true });
  check('of each priority', await letters.getCountsPerPriority([0, 1, 2, 3]), { 0: 2, 1: 1, 2: 1, 3: 2 });
  const last = (await letters.getJobs(['prioritized'])).find(({ name }) => name === 'e');
  await last.changePriority({ priority: 9 });
  const done = [];
  worker('letters', async (job) => done.push(job.name));
  await letters.resume();
  await until('in their order', 'abcdfe', () => done.join(''));
  const once = await letters.add('x', {}, { delay: 3_600_000, deduplication: { id: 'one x' } });
  check('one of a kind', (await letters.add('x', {}, { deduplication: { id: 'one x' } })).id, once.id);
  check('which is known', await letters.getDeduplicationJobId('one x'), once.id);
  await letters.removeDeduplicationKey('one x');
  check('another', (await letters.add('x', {}, { delay: 3_600_000, deduplication: { id: 'one x', ttl: 60_000 } })).id === once.id, false);
}

async function failures() {
  const trials = queue('trials');
  worker('trials', async (job) => {
    if (job.data.never) throw new UnrecoverableError('never');
    if (job.attemptsMade < job.data.tries) throw new Error('not yet');
    return job.attemptsMade;
  });
  const twice = await trials.add('x', { tries: 2 }, { attempts: 3, backoff: { type: 'exponential', delay: 10 } });
  await returned('tried again', 2, trials, twice);
  const failing = await trials.add('x', { tries: 99 }, { attempts: 2 });
  await until('given up', 'failed', () => failing.getState());
  const failed = await trials.getJob(failing.id);
  check('what is known of it', [failed.failedReason, failed.attemptsMade, failed.stacktrace.length], ['not yet', 2, 2]);
  const never = await trials.add('x', { never: true }, { attempts: 5 });
  await until('not tried again', ['failed', 1], async () => [await never.getState(), (await trials.getJob(never.id)).attemptsMade]);
  await failed.updateData({ tries: 0 });
  await failed.retry();
  await returned('by hand', 2, trials, failed);
  check('not when it is done', /not in the failed state/.test(await errorOf(failed.retry())));
  await (await trials.getJob(never.id)).updateData({ tries: 0 });
  await trials.retryJobs();
  await until('all that failed', { completed: 3, failed: 0 }, () => trials.getJobCounts('completed', 'failed'));
  await trials.add('x', {}, { removeOnComplete: { count: 1 } });
  await until('the last only', 1, () => trials.getCompletedCount());
}

async function times() {
  const later = queue('later');
  const done = [];
  worker('later', async (job) => done.push([job.name, Date.now()]));
  const first = await later.add('first', {}, { delay: 3_600_000 });
  const second = await later.add('second', {}, { delay: 3_600_000 });
  check('for later', [await first.isDelayed(), await later.getDelayedCount()], [true, 2]);
  const before = Date.now();
  await first.promote();
  await second.changeDelay(200);
  await later.add('third', {}, { delay: 400 });
  await until('each at its time', ['first', 'second', 'third'], () => done.map(([name]) => name));
  check('not before', [done[1][1] - before >= 195, done[2][1] - before >= 395], [true, true]);
  await later.addBulk(Array.from({ length: 5 }, () => ({ name: 'promoted', data: {}, opts: { delay: 3_600_000 } })));
  await later.promoteJobs();
  await until('all at once', 8, () => done.length);
}

async function scheduled() {
  const again = queue('again');
  const done = [];
  worker('again', async (job) => done.push([job.name, job.data.of]));
  await again.upsertJobScheduler('often', { every: 100, limit: 3 }, { name: 'tick', data: { of: 'a clock' } });
  await again.upsertJobScheduler('rarely', { pattern: '0 0 29 2 *' }, { name: 'leap', data: { of: 'a year' } });
  check('schedulers', (await again.getJobSchedulers()).map(({ key }) => key).sort(), ['often', 'rarely']);
  await until('three times', Array.from({ length: 3 }, () => ['tick', 'a clock']), () => done);
  await again.upsertJobScheduler('rarely', { pattern: '30 0 29 2 *' }, { name: 'leap', data: {} });
  check('another time', [(await again.getJobScheduler('rarely')).pattern, await again.getDelayedCount()], ['30 0 29 2 *', 1]);
  check('no more', [await again.removeJobScheduler('rarely'), await again.removeJobScheduler('rarely'), await again.getDelayedCount()], [true, false, 0]);
}

/** Parents, which are done when their children are. */
async function flows() {
  const parents = queue('parents');
  const children = queue('children');
  const flow = opens(new FlowProducer({ connection }));
  const child = (name, data, opts = {}) => ({ name, queueName: 'children', data, opts });
  const tree = await flow.add({
    name: 'total',
    queueName: 'parents',
    data: {},
    children: [...[1, 2, 3].map((n) => child('part', { n })), { ...child('part', { n: 10 }), children: [child('part', { n: 20 })] }],
  });
  check('it waits for them', [await tree.job.getState(), await tree.job.getDependenciesCount()], ['waiting-children', { processed: 0, unprocessed: 4, ignored: 0, failed: 0 }]);
  const failing = await flow.add({ name: 'total', queueName: 'parents', data: {}, children: [child('fail', {}, { failParentOnFailure: true })] });
  const ignoring = await flow.add({ name: 'total', queueName: 'parents', data: {}, children: [child('fail', {}, { ignoreDependencyOnFailure: true }), child('part', { n: 5 })] });
  const total = async (job) => Object.values(await job.getChildrenValues()).reduce((sum, n) => sum + n, 0);
  worker('children', async (job) => {
    if (job.name === 'fail') throw new Error('no such luck');
    return job.data.n + (await total(job));
  });
  worker('parents', async (job, token) => {
    if (job.name !== 'steps') return total(job);
    // A parent that makes its child when it is at it.
    if (!job.data.made) {
      await children.add('part', { n: 100 }, { parent: { id: job.id, queue: job.queueQualifiedName } });
      await job.updateData({ made: true });
      if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
    }
    return total(job);
  });
  await returned('the sum of them', 36, parents, tree.job);
  await until('it fails with its child', 'failed', () => failing.job.getState());
  await returned('or does not', 5, parents, ignoring.job);
  await returned('in steps', 100, parents, await parents.add('steps', {}));
  const never = await flow.add({ name: 'total', queueName: 'parents', data: {}, children: [child('part', { n: 1 }, { delay: 3_600_000 })] });
  await never.job.remove();
  check('removed with its children', await children.getDelayedCount(), 0);
}

async function limits() {
  const limited = queue('limited');
  const done = [];
  worker('limited', async () => done.push(Date.now()), { limiter: { max: 2, duration: 200 }, concurrency: 5 });
  const before = Date.now();
  await limited.addBulk(Array.from({ length: 5 }, () => ({ name: 'x', data: {} })));
  await until('all of them', 5, () => done.length);
  check('two in 200 ms', done[4] - before >= 390);
  const narrow = queue('narrow');
  await narrow.setGlobalConcurrency(1);
  let inside = 0;
  const most = [];
  const one = async () => {
    inside += 1;
    most.push(inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  for (let i = 0; i < 3; i += 1) worker('narrow', one, { concurrency: 4 });
  await narrow.addBulk(Array.from({ length: 20 }, () => ({ name: 'x', data: {} })));
  await until('one at a time everywhere', Array.from({ length: 20 }, () => 1), () => most);
}

/** A job whose worker has died: its lock ends, and another does it. */
async function stalled(db) {
  const dying = worker('stalled', null, { autorun: false });
  const jobs = queue('stalled');
  const job = await jobs.add('x', {});
  const taken = await dying.getNextJob('a token');
  check('taken, under a lock', [taken.id, await taken.getState(), await db.get(`bull:stalled:${job.id}:lock`)], [job.id, 'active', 'a token']);
  check('not with another token', /lock|owned/i.test(await errorOf(taken.moveToCompleted('x', 'another token'))));
  check('nor for longer', [await taken.extendLock('another token', 1), await taken.extendLock('a token', 60_000)], [0, 1]);
  await db.del(`bull:stalled:${job.id}:lock`);
  const heard = [];
  worker('stalled', async () => 'by another', { stalledInterval: 50 }).on('stalled', (id) => heard.push(id));
  await returned('done by another', 'by another', jobs, job);
  await until('it stalled', [job.id], () => heard);
}

async function housekeeping(db) {
  const many = queue('many');
  await many.addBulk(Array.from({ length: 300 }, (_, i) => ({ name: 'x', data: { i } })));
  check('one of them', [await many.remove('7'), await many.getJob('7'), await many.count()], [1, undefined, 299]);
  check('what is old', (await many.clean(0, 100, 'wait')).length, 100);
  await many.add('later', {}, { delay: 3_600_000 });
  await many.drain(true);
  check('drained', await many.getJobCounts('wait', 'delayed', 'paused', 'prioritized'), { wait: 0, delayed: 0, paused: 0, prioritized: 0 });
  await many.addBulk(Array.from({ length: 50 }, (_, i) => ({ name: 'x', data: {}, opts: { priority: 1 + (i % 5) } })));
  await many.obliterate({ force: true });
  await until('all of it', [], () => db.keys('bull:many:*'));
}

/** What the stream of events tells. */
async function events(db) {
  const told = queue('told');
  const hears = opens(new QueueEvents('told', { connection, lastEventId: '0-0' }));
  await hears.waitUntilReady();
  const heard = [];
  for (const event of ['added', 'waiting', 'active', 'progress', 'completed', 'failed']) hears.on(event, () => heard.push(event));
  worker('told', async (job) => {
    await job.updateProgress(50);
    if (job.data.fails) throw new Error('no such luck');
    return 'done';
  });
  const job = await told.add('x', {});
  check('waited for', await job.waitUntilFinished(hears), 'done');
  check('in its order', heard, ['added', 'waiting', 'active', 'progress', 'completed']);
  check('failing', await errorOf((await told.add('x', { fails: true })).waitUntilFinished(hears)), 'no such luck');
  check('the stream', (await db.xlen('bull:told:events')) >= 10);
  await told.trimEvents(0);
}

await run(`bullmq ${version('bullmq')}`, smoke, 100);
