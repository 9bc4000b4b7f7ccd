// make bench: what a call costs the provider, beside what it cannot avoid. docs/performance.md
// says what is measured and how to read it.
//
//   node conformance-tests/bench/run.mjs [--folder build/bench] [--only NAME,NAME]
import { mkdir, rm, readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Children } from '../../demo/children.mjs';
import { ROOT, writeJson } from '../../demo/settings.mjs';
import { measure, median } from './measure.mjs';
import { largeList } from './programs.mjs';
import * as provider from './provider.mjs';
import { rows } from './rows.mjs';
import { kinds } from './stores.mjs';
import { table } from './table.mjs';
import { measureVerify, verifyRows } from './verify.mjs';
import { bind, consent, signIn } from './visitor.mjs';

const RESTARTS = 5;
const LOADS = 3;
const SETTLE_MS = 1000;
const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: path.join(ROOT, 'build/bench') },
    only: { type: 'string', default: '' },
  },
});
const folder = path.resolve(options.folder);
const names = options.only ? options.only.split(',') : [];
const isWanted = (name) => names.length === 0 || names.includes(name);
const say = (text) => console.log(`· ${text}`);

async function removeBareStores() {
  const names = await readdir(folder);
  const old = names.filter((name) => name.startsWith('bare-'));
  await Promise.all(old.map((name) => rm(path.join(folder, name))));
}

// Clients, bound locks, a bidder who is signed in and has consented.
async function populate(bench) {
  const locks = bench.keys.locks.filter((lock) => lock.bound);
  bench.locks = Object.fromEntries(locks.map((lock) => [lock.key_type, lock]));
  bench.clients = {
    es256: await provider.register(bench, 'bench-es256', 'ES256'),
    rs256: await provider.register(bench, 'bench-rs256', 'RS256'),
  };
  for (const lock of Object.values(bench.locks)) await bind(bench.issuer, lock);
  bench.portal = await signIn(bench.issuer, bench.locks.p256);
  for (const client of Object.values(bench.clients)) await consent(bench, bench.portal, client);
}

async function measureAll(bench) {
  const measured = [];
  for (const row of bench.rows) {
    say(`${row.name}${bench.kind.suffix}`);
    measured.push(await measure(bench, row));
  }
  return measured;
}

// Restarts with the stores that are there: how long until it answers, how much memory it then has.
async function restarts(bench) {
  const times = [];
  for (let i = 0; i < RESTARTS; i++) {
    await bench.servers[0].stop();
    bench.servers[0] = await provider.startNode(bench, bench.nodes[0]);
    times.push(bench.servers[0].start_ms);
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return [
    { name: 'start_ms', value: median(times) },
    { name: 'idle_rss_mib', value: await provider.residentMib(bench.servers[0].pid) },
  ];
}

// One kind of installation: its rows, and what is measured of it alone.
async function benchKind(kind, chosen) {
  const made = await provider.prepare(folder, kind, say);
  const children = new Children(path.join(folder, 'logs'));
  Object.assign(made, { kind, rows: chosen, servers: [] });
  try {
    await removeBareStores();
    await provider.startAuthorities(made, children);
    await provider.migrate(made);
    for (const node of made.nodes) made.servers.push(await provider.startNode(made, node));
    await populate(made);
    const measured = await measureAll(made);
    const alone = kind.suffix === '' ? await restarts(made) : [];
    return { measured, alone };
  } finally {
    await Promise.all(made.servers.map((server) => server.stop()));
    await children.stop();
    await made.stores.close();
  }
}

// A million revoked certificates, signed with each kind of key: the medians of a few loads.
async function measureLists() {
  const alone = [];
  for (const kind of ['RSA', 'SM2']) {
    const name = `list_million_${kind.toLowerCase()}`;
    if (!isWanted(name)) continue;
    say(name);
    const all = [];
    for (let i = 0; i < LOADS; i++) all.push(await largeList(kind, 1e6));
    const middle = (key) => median(all.map((one) => one[key]));
    alone.push(
      { name: `${name}_load_ms`, value: middle('load_ms') },
      { name: `${name}_private_mib`, value: middle('private_kib') / 1024 },
      { name: `${name}_found_us`, value: middle('found_ns') / 1000 },
      { name: `${name}_absent_us`, value: middle('absent_ns') / 1000 },
    );
  }
  return alone;
}

async function bench() {
  const measured = await measureVerify(
    verifyRows.filter(({ name }) => isWanted(name)),
    say,
  );
  const alone = await measureLists();
  for (const kind of kinds) {
    const chosen = rows.filter(({ name }) => isWanted(`${name}${kind.suffix}`));
    if (chosen.length === 0) continue;
    const result = await benchKind(kind, chosen);
    measured.push(...result.measured);
    alone.push(...result.alone);
  }
  await writeJson(path.join(ROOT, 'build/bench.json'), [...measured, ...alone]);
  console.log(`\n${table(measured, alone)}\n`);
}

await mkdir(path.join(folder, 'logs'), { recursive: true, mode: 0o711 });
try {
  await bench();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
