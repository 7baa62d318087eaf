// Bull, the queue library, against a running server: its scripts read arguments that are packed with
// cmsgpack, options with cjson, and make scores with bit. It needs no streams.
//
// usage: node bull.mjs HOST PORT
//
// Exits 0 when each job came out as it should, else with a message. Database 12 is flushed.
import Queue from 'bull';
import { database, until, version } from './jobs.mjs';
import { check, errorOf, host, port, run } from './smoke.mjs';

const queues = [];

function queue(name, options = {}) {
  const made = new Queue(name, { redis: { host, port, db: 12 }, ...options });
  made.on('error', () => {});
  // Each job that is waited for listens.
  made.setMaxListeners(100);
  queues.push(made);
  return made;
}

async function smoke() {
  const db = await database(12);
  await work(db);
  await orders();
  await failures();
  await times();
  await limits();
  await stalled(db);
  await housekeeping(db);
  await Promise.all(queues.map((made) => made.close()));
  await db.flushdb();
  db.disconnect();
}

async function work(db) {
  const sums = queue('sums');
  const heard = [];
  sums.on('global:completed', (id, result) => heard.push([id, result]));
  sums.on('global:progress', (id, progress) => heard.push(['progress', id, progress]));
  await sums.isReady();
  sums.process(3, async (job) => {
    await job.progress(50);
    await job.log(`${job.data.a} and ${job.data.b}`);
    return job.data.a + job.data.b;
  });
  check('one job', await (await sums.add({ a: 'o', b: 'ne' })).finished(), 'one');
  const jobs = await sums.addBulk(Array.from({ length: 20 }, (_, i) => ({ data: { a: i, b: i } })));
  check('results', await Promise.all(jobs.map((job) => job.finished())), jobs.map((_, i) => 2 * i));
  check('its id again', (await sums.add({ a: 1, b: 1 }, { jobId: '1' })).id, '1');
  check('its log', await sums.getJobLogs('7'), { logs: ['5 and 5'], count: 1 });
  await until('all of them', { waiting: 0, active: 0, completed: 21, failed: 0, delayed: 0, paused: 0 }, () => sums.getJobCounts());
  await until('what others heard', 42, () => heard.length);
  check('how far', heard.filter(([what]) => what === 'progress').every(([, , progress]) => progress === 50));
  const job = await sums.getJob('3');
  check('a job that is done', [job.returnvalue, job.progress(), await job.getState(), await job.isCompleted()], [2, 50, 'completed', true]);
  await job.update({ a: 'new', b: 'data' });
  check('its data', (await sums.getJob('3')).data, { a: 'new', b: 'data' });
  check('no locks are left', await db.keys('bull:sums:*:lock'), []);
}

/** The order in which jobs are done, one at a time. */
async function orders() {
  const letters = queue('letters');
  await letters.pause();
  for (const [name, priority] of [['d', 3], ['b', 1], ['e', 3], ['c', 2], ['f', 3]]) await letters.add({ name }, { priority });
  await letters.add({ name: 'a' }, { lifo: true });
  check('they wait', [await letters.isPaused(), await letters.count()], [true, 6]);
  check('of each priority', await letters.getCountsPerPriority([1, 2, 3]), { 1: 1, 2: 1, 3: 3 });
  const done = [];
  letters.process(async (job) => done.push(job.data.name));
  await letters.resume();
  await until('in their order', 'abcdef', () => done.join(''));
}

async function failures() {
  const trials = queue('trials');
  trials.process(async (job) => {
    if (job.attemptsMade < job.data.tries) throw new Error('not yet');
    return job.attemptsMade;
  });
  const twice = await trials.add({ tries: 2 }, { attempts: 3, backoff: { type: 'fixed', delay: 20 } });
  check('tried again', await twice.finished(), 2);
  const failing = await trials.add({ tries: 99 }, { attempts: 2 });
  check('given up', await errorOf(failing.finished()), 'not yet');
  await until('it failed', 'failed', () => failing.getState());
  const failed = await trials.getJob(failing.id);
  check('what is known of it', [failed.failedReason, failed.attemptsMade, failed.stacktrace.length], ['not yet', 2, 2]);
  await failed.update({ tries: 0 });
  await failed.retry();
  check('by hand', await failed.finished(), 2);
  check('not when it is done', /already/i.test(await errorOf(failed.retry())) || (await failed.getState()) === 'completed');
  const gone = await trials.add({ tries: 0 }, { removeOnComplete: true });
  await until('forgotten when done', null, () => trials.getJob(gone.id));
}

async function times() {
  const later = queue('later');
  const done = [];
  later.process('*', async (job) => done.push([job.name, Date.now()]));
  const promoted = await later.add('first', {}, { delay: 3_600_000 });
  check('for later', [await promoted.isDelayed(), (await later.getDelayed()).length], [true, 1]);
  await promoted.promote();
  const before = Date.now();
  await later.add('second', {}, { delay: 200 });
  await later.add('third', {}, { delay: 400 });
  await until('each at its time', ['first', 'second', 'third'], () => done.map(([name]) => name));
  check('not before', [done[1][1] - before >= 195, done[2][1] - before >= 395], [true, true]);
  await later.add('again', {}, { repeat: { every: 100, limit: 3 } });
  await later.add('rarely', {}, { repeat: { cron: '0 0 29 2 *' } });
  check('repeated', (await later.getRepeatableJobs()).map(({ name }) => name).sort(), ['again', 'rarely']);
  await until('three times', 3, () => done.filter(([name]) => name === 'again').length);
  await later.removeRepeatable('rarely', { cron: '0 0 29 2 *' });
  check('no more', (await later.getRepeatableJobs()).filter(({ name }) => name === 'rarely'), []);
  check('nor the next of it', (await later.getDelayed()).filter(({ name }) => name === 'rarely'), []);
}

async function limits() {
  const limited = queue('limited', { limiter: { max: 2, duration: 200 } });
  const done = [];
  limited.process(async () => done.push(Date.now()));
  const before = Date.now();
  await limited.addBulk(Array.from({ length: 5 }, () => ({ data: {} })));
  await until('all of them', 5, () => done.length);
  check('two in 200 ms', done[4] - before >= 390);
}

/** A job whose worker has died: its lock ends, and another does it. */
async function stalled(db) {
  const settings = { stalledInterval: 50, guardInterval: 50, maxStalledCount: 1 };
  const dying = queue('stalled', { settings });
  await dying.add({});
  const taken = await dying.getNextJob();
  check('taken, under a lock', [await taken.isActive(), await db.exists(`bull:stalled:${taken.id}:lock`)], [true, 1]);
  check('for longer', await taken.extendLock(60_000), 1);
  const other = queue('stalled', { settings });
  const theirs = await other.getJob(taken.id);
  check('not by another', [await theirs.extendLock(1), await theirs.takeLock()], [0, false]);
  check('nor released', await errorOf(theirs.releaseLock()), `Could not release lock for job ${taken.id}`);
  check('nor ended', (await errorOf(theirs.moveToCompleted('x'))).slice(0, 13), 'Lock mismatch');
  await db.del(`bull:stalled:${taken.id}:lock`);
  const heard = [];
  other.on('stalled', (job) => heard.push(job.id));
  other.process(async () => 'by another');
  await until('done by another', ['completed', 'by another'], async () => [await taken.getState(), (await other.getJob(taken.id)).returnvalue]);
  await until('it stalled', [taken.id], () => heard);
}

async function housekeeping(db) {
  const many = queue('many');
  await many.addBulk(Array.from({ length: 300 }, (_, i) => ({ data: { i }, opts: { jobId: `${i % 2 ? 'odd' : 'even'}-${i}` } })));
  await many.removeJobs('odd-*');
  check('by a pattern', await many.count(), 150);
  check('one of them', [await (await many.getJob('even-0')).remove(), await many.getJob('even-0')], [undefined, null]);
  // What was added in this very millisecond is not older than 0 ms.
  await until('what is old', 0, async () => (await many.clean(0, 'wait'), many.count()));
  await many.add({});
  await many.empty();
  check('emptied', await many.getJobCounts(), { waiting: 0, active: 0, completed: 0, failed: 0, delayed: 0, paused: 0 });
  await many.addBulk(Array.from({ length: 50 }, () => ({ data: {} })));
  await many.obliterate({ force: true });
  await until('all of it', [], () => db.keys('bull:many:*'));
}

await run(`bull ${version('bull')}`, smoke, 100);
