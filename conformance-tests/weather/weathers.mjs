// The weathers: what is done to an installation while bidders work, and what has to hold. Each is
// {name, open (options of Installation.open), run({installation, load, ledger, amount})}; amount is 1
// for the whole campaign and less for a slice of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { withSmallDisk } from './disk.mjs';
import { idleConnections, trickle } from './slow.mjs';
import { sixtyFour } from './together.mjs';

const KILLS = 20;
const BETWEEN = 25; // results acknowledged between two blows
const OUTAGE_MS = 10e3;
const SLOW_MS = 20e3; // longer than a request may take to arrive
const FORGIVEN_MS = 1100; // by nginx, which leaves a node that failed out for a second
const RECOVERY_MS = 5e3;

const times = (amount, all) => Math.max(1, Math.round(amount * all));
const someTime = () => sleep(Math.random() * 400);

// Work has to go on within this time after everything is back.
async function recovers(load, what) {
  const began = Date.now();
  await load.untilAcknowledged(5, 60e3);
  const took = Date.now() - began;
  load.ledger.time(`recovery: ${what}`, took);
  if (took > RECOVERY_MS) load.ledger.breaks('recovers by itself', `${what}: ${took} ms`);
}

async function killNodes({ installation, load, amount }) {
  for (let i = 0; i < times(amount, KILLS); i++) {
    await load.untilAcknowledged(BETWEEN);
    await someTime();
    const node = installation.nodes[i % installation.nodes.length];
    await node.stop('SIGKILL');
    await load.untilAcknowledged(BETWEEN);
    await node.start();
    await sleep(FORGIVEN_MS);
  }
}

async function emptyRedis({ installation, load, amount }) {
  for (let i = 0; i < times(amount, 5); i++) {
    await load.untilAcknowledged(2 * BETWEEN);
    await someTime();
    await installation.redis.kill();
    await sleep(300);
    await installation.redis.start();
    await recovers(load, 'Redis empty');
  }
}

async function stoppedRedis({ installation, load, amount }) {
  await load.untilAcknowledged(BETWEEN);
  const put = load.ledger.sum(load.ledger.later);
  installation.redis.freeze();
  await sleep(times(amount, OUTAGE_MS / 1000) * 1000);
  installation.redis.thaw();
  await recovers(load, 'Redis stopped');
  if (load.ledger.sum(load.ledger.later) === put)
    load.ledger.breaks('Redis was stopped', 'nobody noticed');
}

// Filled by somebody else's keys until nothing more fits.
async function fullRedis({ installation, load }) {
  const { redis } = installation;
  await load.untilAcknowledged(BETWEEN);
  const put = load.ledger.sum(load.ledger.later);
  await redis.limit(await redis.memoryUsed());
  await sleep(3000);
  await redis.limit(0);
  await recovers(load, 'Redis full');
  if (load.ledger.sum(load.ledger.later) === put)
    load.ledger.breaks('Redis was full', 'it was not');
}

async function killPostgres({ installation, load, amount }) {
  for (let i = 0; i < times(amount, 5); i++) {
    await load.untilAcknowledged(BETWEEN);
    await someTime();
    await installation.postgres.kill();
    await sleep(300);
    await installation.postgres.start();
    await recovers(load, 'PostgreSQL killed');
  }
}

async function stoppedPostgres({ installation, load, amount }) {
  await load.untilAcknowledged(BETWEEN);
  const put = load.ledger.sum(load.ledger.later);
  installation.postgres.freeze();
  await sleep(times(amount, OUTAGE_MS / 1000) * 1000);
  installation.postgres.thaw();
  await recovers(load, 'PostgreSQL stopped');
  if (load.ledger.sum(load.ledger.later) === put)
    load.ledger.breaks('PostgreSQL was stopped', 'nobody noticed');
}

async function fullDisk({ installation, load }) {
  await load.untilAcknowledged(BETWEEN);
  await installation.disk.fill();
  await sleep(4000);
  await installation.disk.empty();
  if (!(await installation.postgres.isReady().catch(() => false))) {
    await installation.postgres.kill(); // it ends itself when its log cannot be written
    await installation.postgres.start();
  }
  await recovers(load, 'disk full');
}

// Nodes end and begin one after the other. No bidder may notice.
async function rollNodes({ installation, load, ledger, amount }) {
  const before = ledger.sum(ledger.later);
  for (let round = 0; round < times(amount, 3); round++) {
    for (const node of installation.nodes) {
      await load.untilAcknowledged(BETWEEN);
      const { code } = await node.stop('SIGTERM');
      if (code !== 0) ledger.breaks('a node ends well', `${node.name}: exit ${code}`);
      await node.start();
    }
  }
  const failed = ledger.sum(ledger.later) - before;
  if (failed > 0) {
    ledger.breaks('nobody notices a rolling restart', JSON.stringify([...ledger.later]));
  }
}

async function killEmbedded({ installation, load, amount }) {
  const [node] = installation.nodes;
  for (let i = 0; i < times(amount, KILLS); i++) {
    await load.untilAcknowledged(BETWEEN);
    await someTime();
    await node.stop('SIGKILL');
    await node.start();
  }
  await load.untilAcknowledged(BETWEEN);
}

// Slow and idle clients; what the others wait is measured before and during.
async function slowClients({ installation, load, ledger, amount }) {
  await load.untilAcknowledged(4 * BETWEEN);
  const before = ledger.percentiles();
  ledger.times.clear();
  const [node] = installation.nodes;
  const wanted = times(amount, 10000);
  const idle = await idleConnections(node, wanted);
  if (idle.count < wanted)
    ledger.breaks('idle connections are taken', `${idle.count} of ${wanted}`);
  const drip = trickle(node);
  await sleep(times(amount, SLOW_MS / 1000) * 1000);
  await load.untilAcknowledged(4 * BETWEEN);
  const { p99 } = ledger.percentiles().introspect ?? {};
  await drip.stop();
  idle.stop();
  const usual = before.introspect?.p99 ?? 0;
  ledger.time(`introspect p99 before ${idle.count} idle connections`, usual);
  if (!(p99 <= 10 * usual + 200))
    ledger.breaks('others do not wait', `${usual} ms before, ${p99} ms`);
}

async function together({ installation, load, ledger, amount }) {
  for (let i = 0; i < times(amount, 5); i++) await sixtyFour(installation, ledger);
  await load.untilAcknowledged(BETWEEN);
}

export const weathers = [
  { name: 'nodes-killed', run: killNodes },
  { name: 'redis-empty', run: emptyRedis },
  { name: 'redis-stopped', run: stoppedRedis },
  { name: 'redis-full', run: fullRedis },
  { name: 'postgres-killed', run: killPostgres },
  { name: 'postgres-stopped', run: stoppedPostgres },
  { name: 'postgres-disk-full', run: fullDisk, around: withSmallDisk },
  { name: 'together', run: together },
  { name: 'rolling-restart', run: rollNodes },
  { name: 'sqlite-killed', run: killEmbedded, open: { embedded: true } },
  { name: 'slow-clients', run: slowClients, open: { embedded: true } },
];
