// Bee-Queue against a running server: its scripts add, delay, raise and remove jobs, and find those whose
// worker has died. It has a node-redis of its own, of 2021, which knows nothing of HELLO.
//
// usage: node bee_queue.mjs HOST PORT
//
// Exits 0 when each job came out as it should, else with a message. Database 13 is flushed.
import Queue from 'bee-queue';
import { database, until, version } from './jobs.mjs';
import { check, errorOf, host, port, run } from './smoke.mjs';

const queues = [];

function queue(name, options = {}) {
  const made = new Queue(name, { redis: { host, port, db: 13 }, activateDelayedJobs: true, ...options });
  made.on('error', () => {});
  queues.push(made);
  return made;
}

/** What becomes of a job, as its events tell: how far, what it gave or why it failed. */
function outcome(job) {
  return new Promise((resolve) => {
    const progress = [];
    job.on('progress', (far) => progress.push(far));
    job.on('succeeded', (result) => resolve({ progress, result }));
    job.on('failed', (error) => resolve({ progress, error: error.message }));
  });
}

async function smoke() {
  const db = await database(13);
  await work(db);
  await delayed(db);
  await stalled(db);
  await Promise.all(queues.map((made) => made.close()));
  await db.flushdb();
  db.disconnect();
}

async function work(db) {
  const sums = queue('sums');
  await sums.ready();
  const named = await sums.createJob({ a: 1, b: 2 }).setId('named').save();
  check('an id of its own', named.id, 'named');
  check('not twice', (await sums.createJob({ a: 9, b: 9 }).setId('named').save()).id, null);
  const gone = await sums.createJob({}).save();
  check('it waits', (await sums.checkHealth()).waiting, 2);
  await gone.remove();
  check('removed', [(await sums.checkHealth()).waiting, await sums.getJob(gone.id)], [1, null]);

  const coming = outcome(named);
  sums.process(2, async (job) => {
    job.reportProgress({ half: true });
    if (job.data.fails) throw new Error('no such luck');
    if (job.data.tries && (await db.incr('tries')) < job.data.tries) throw new Error('not yet');
    return (job.data.a ?? 0) + (job.data.b ?? 0);
  });
  check('its result', await coming, { progress: [{ half: true }], result: 3 });
  const jobs = Array.from({ length: 50 }, (_, i) => sums.createJob({ a: i, b: i }));
  const outcomes = jobs.map(outcome);
  check('saved at once', (await sums.saveAll(jobs)).size, 0);
  check('results', (await Promise.all(outcomes)).map(({ result }) => result), jobs.map((_, i) => 2 * i));
  check('failing', (await outcome(await sums.createJob({ fails: true }).save())).error, 'no such luck');
  const tried = sums.createJob({ tries: 3 }).retries(3).backoff('fixed', 20);
  const end = new Promise((resolve) => tried.on('succeeded', resolve));
  await tried.save();
  check('tried three times', [await end, await db.get('tries')], [0, '3']);
  await until('all of them', { waiting: 0, active: 0, succeeded: 52, failed: 1, delayed: 0 }, async () => {
    const { newestJob, ...health } = await sums.checkHealth();
    return health;
  });
  check('the one that failed', (await sums.getJobs('failed', { size: 10 })).map((job) => [job.status, job.options.stacktraces.length]), [['failed', 1]]);
}

async function delayed(db) {
  const later = queue('later', { nearTermWindow: 100, delayedDebounce: 20 });
  const done = [];
  later.process(async (job) => done.push([job.data.name, Date.now()]));
  const at = Date.now() + 200;
  await later.createJob({ name: 'never' }).delayUntil(at + 3_600_000).save();
  check('for later', (await later.checkHealth()).delayed, 1);
  await later.createJob({ name: 'first' }).delayUntil(at).save();
  await later.createJob({ name: 'second' }).delayUntil(at + 200).save();
  await until('in their order', ['first', 'second'], () => done.map(([name]) => name));
  check('not before', [done[0][1] >= at, done[1][1] >= at + 200], [true, true]);
  check('one is left', (await later.checkHealth()).delayed, 1);
  // More than a thousand that are due: they are raised by the thousand.
  const many = queue('many', { activateDelayedJobs: false });
  await db.zadd('bq:many:delayed', ...Array.from({ length: 2500 }, (_, i) => [i, `job ${i}`]).flat());
  await many.ready();
  await new Promise((resolve) => many._evalScript('raiseDelayedJobs', 2, many.toKey('delayed'), many.toKey('waiting'), Date.now(), 100).then((answer) => {
    check('raised', answer, [2500, -1]);
    resolve();
  }));
  check('they wait', [await db.llen('bq:many:waiting'), await db.zcard('bq:many:delayed')], [2500, 0]);
}

/** A job whose worker has died is done by another. */
async function stalled(db) {
  const other = queue('stalled', { stallInterval: 50 });
  const job = await other.createJob({ of: 'a dead worker' }).save();
  check('it is being done', await db.lmove('bq:stalled:waiting', 'bq:stalled:active', 'RIGHT', 'LEFT'), job.id);
  await db.sadd('bq:stalled:stalling', job.id);
  const coming = outcome(job);
  const heard = [];
  other.on('stalled', (id) => heard.push(id));
  other.process(async ({ data }) => `of ${data.of}`);
  await until('it stalled', [job.id], async () => (await other.checkStalledJobs(), heard));
  check('done by another', (await coming).result, 'of a dead worker');
  check('nothing stalls', /error/i.test(await errorOf(other.checkStalledJobs())), false);
  await other.destroy();
  check('destroyed', await db.keys('bq:stalled:*'), []);
}

await run(`bee-queue ${version('bee-queue')}`, smoke, 100);
