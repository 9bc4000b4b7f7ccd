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
import * as provider from './provider.mjs';
import { rows } from './rows.mjs';
import { table } from './table.mjs';
import { bind, consent, signIn } from './visitor.mjs';

const RESTARTS = 5;
const SETTLE_MS = 1000;
const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: path.join(ROOT, 'build/bench') },
    only: { type: 'string', default: '' },
  },
});
const folder = path.resolve(options.folder);
const wanted = rows.filter(({ name }) => !options.only || options.only.split(',').includes(name));
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
  for (const row of wanted) {
    say(row.name);
    measured.push(await measure(bench, row));
  }
  return measured;
}

// Restarts with the stores that are there: how long until it answers, how much memory it then has.
async function restarts(bench) {
  const times = [];
  for (let i = 0; i < RESTARTS; i++) {
    await bench.server.stop();
    bench.server = await provider.startProvider(bench);
    times.push(bench.server.start_ms);
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return [
    { name: 'start_ms', value: median(times) },
    { name: 'idle_rss_mib', value: await provider.residentMib(bench.server.pid) },
  ];
}

async function bench(children) {
  const made = await provider.prepare(folder, say);
  await removeBareStores();
  await provider.startAuthorities(made, children);
  made.server = await provider.startProvider(made);
  try {
    await populate(made);
    const measured = await measureAll(made);
    const alone = await restarts(made);
    await writeJson(path.join(ROOT, 'build/bench.json'), [...measured, ...alone]);
    console.log(`\n${table(measured, alone)}\n`);
  } finally {
    await made.server.stop();
  }
}

await mkdir(path.join(folder, 'logs'), { recursive: true, mode: 0o700 });
const children = new Children(path.join(folder, 'logs'));
try {
  await bench(children);
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
} finally {
  await children.stop();
}
