// Measures one row: rounds of the server and of its ceiling in turn, so that what else the machine
// does falls on both; of each figure the median.
import path from 'node:path';
import { readAnswers, writeRequests } from './http.mjs';
import { ask, play, startAnswers } from './programs.mjs';
import { commits, roundTrips } from './provider.mjs';

export const CONNECTIONS = 64;
const ROUNDS = 5;
const ROUND_MS = 350;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const sum = (parts) => Object.values(parts).reduce((all, us) => all + us, 0);

// The requests of the i-th of n nodes: all of them, or its share of those that work once.
const shareOf = (requests, once, i, n) => requests.filter((_, at) => !once || at % n === i);

// Nodes are loaded at the same time, each by its share of the connections.
async function playAll({ servers }, row, file, more = {}) {
  const options = { connections: CONNECTIONS / servers.length, ms: row.once ? 0 : ROUND_MS };
  const one = (server, i) => {
    const answers = more.answers && { answers: `${file}.${i}.answers` };
    return play(server, `${file}.${i}`, { ...options, ...answers });
  };
  const all = await Promise.all(servers.map(one));
  const total = (pick) => all.reduce((sum_, each) => sum_ + pick(each), 0);
  return {
    calls: total(({ calls }) => calls),
    cpu_us: total(({ cpu_us: us }) => us),
    seconds: Math.max(...all.map(({ seconds }) => seconds)),
    p50_ms: Math.max(...all.map(({ p50_ms: ms }) => ms)),
    p99_ms: Math.max(...all.map(({ p99_ms: ms }) => ms)),
  };
}

async function loadServers(bench, row, file) {
  const before = await commits(bench);
  const trips = await roundTrips(bench);
  const result = await playAll(bench, row, file, { answers: row.answers !== undefined });
  const committed = (await commits(bench)) - before;
  const after = await roundTrips(bench);
  const perCall = (store) => (after[store] - trips[store]) / result.calls;
  return {
    ...result,
    group: committed > 0 ? Math.max(1, result.calls / committed) : 1,
    trips: { kv: perCall('kv'), sql: perCall('sql') },
  };
}

// Writes the requests of each node; `file` alone holds all of them.
async function writeAll({ servers }, row, file, requests) {
  await writeRequests(file, requests);
  for (let i = 0; i < servers.length; i++) {
    await writeRequests(`${file}.${i}`, shareOf(requests, row.once, i, servers.length));
  }
}

// What the nodes answered to requests that work once: rows that go on from there read it.
async function heed(bench, row, file) {
  if (!row.answers) return;
  const all = await Promise.all(bench.servers.map((_, i) => readAnswers(`${file}.${i}.answers`)));
  row.answers(bench, all.flat());
}

// One round: the server, the bare answer to the same requests, and the bare parts.
async function round(bench, row, { file, bareAnswers, requests }) {
  if (row.once) await writeAll(bench, row, file, await requests());
  const server = await loadServers(bench, row, file);
  await heed(bench, row, file);
  const http = await play(bareAnswers, file, { connections: CONNECTIONS, ms: ROUND_MS });
  const parts = {
    [bench.stores.workers(row) > 0 ? 'HTTP answer by a worker' : 'HTTP answer']:
      http.cpu_us / http.calls,
    ...(await row.unavoidable(bench, server.group)),
  };
  const cpu = server.cpu_us / server.calls;
  return { server, parts, cpu, ceiling: sum(parts), rate: server.calls / server.seconds };
}

// How long the answer's body is, from one call that is not counted.
async function bodyLength(bench, requests) {
  const [answer] = await ask(bench.servers[0], bench.folder, requests.slice(0, 1));
  return Buffer.byteLength(answer.body);
}

function summarise(bench, row, rounds) {
  const of = (pick) => median(rounds.map(pick));
  const cpu = of((one) => one.cpu);
  const ceiling = of((one) => one.ceiling);
  const ratios = rounds.map((one) => one.ceiling / one.cpu);
  const names = Object.keys(rounds[0].parts);
  return {
    name: `${row.name}${bench.kind.suffix}`,
    rate: of((one) => one.rate),
    rate_per_core: 1e6 / cpu,
    p50_ms: of((one) => one.server.p50_ms),
    p99_ms: of((one) => one.server.p99_ms),
    cpu_us_per_call: cpu,
    ceiling_us: ceiling,
    ratio: ceiling / cpu,
    goal: bench.kind.goal ?? row.goal,
    ratio_least: Math.min(...ratios),
    ratio_most: Math.max(...ratios),
    calls_per_commit: row.table ? of((one) => one.server.group) : undefined,
    kv_trips: of((one) => one.server.trips.kv),
    sql_trips: of((one) => one.server.trips.sql),
    ceiling_parts: Object.fromEntries(names.map((name) => [name, of((one) => one.parts[name])])),
  };
}

export async function measure(bench, row) {
  const requests = () => row.requests(bench);
  const file = path.join(bench.folder, `${row.name}.requests`);
  const first = await requests();
  const body = await bodyLength(bench, first);
  const rest = row.once ? first.slice(1) : first;
  await writeAll(bench, row, file, rest);
  await loadServers(bench, row, file); // warms up; not counted
  await heed(bench, row, file);
  const bareAnswers = await startAnswers({
    body,
    ...row.answer,
    workers: bench.stores.workers(row),
  });
  const rounds = [];
  try {
    for (let i = 0; i < ROUNDS; i++) {
      rounds.push(await round(bench, row, { file, bareAnswers, requests }));
    }
  } finally {
    await bareAnswers.stop();
  }
  return summarise(bench, row, rounds);
}
