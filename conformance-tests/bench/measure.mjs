// Measures one row: rounds of the server and of its ceiling in turn, so that what else the machine
// does falls on both; of each figure the median.
import path from 'node:path';
import { writeRequests } from './http.mjs';
import { ask, play, startAnswers } from './programs.mjs';
import { commits } from './provider.mjs';

export const CONNECTIONS = 64;
const ROUNDS = 5;
const ROUND_MS = 350;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const sum = (parts) => Object.values(parts).reduce((all, us) => all + us, 0);

async function loadServer(bench, row, file) {
  const before = await commits(bench);
  const options = { connections: CONNECTIONS, ms: row.once ? 0 : ROUND_MS };
  const result = await play(bench.server, file, options);
  const committed = (await commits(bench)) - before;
  return { ...result, group: committed > 0 ? Math.max(1, result.calls / committed) : 1 };
}

// One round: the server, the bare answer to the same requests, and the bare parts.
async function round(bench, row, { file, bareAnswers, requests }) {
  if (row.once) await writeRequests(file, await requests());
  const server = await loadServer(bench, row, file);
  const http = await play(bareAnswers, file, { connections: CONNECTIONS, ms: ROUND_MS });
  const parts = {
    'HTTP answer': http.cpu_us / http.calls,
    ...(await row.unavoidable(bench, server.group)),
  };
  const cpu = server.cpu_us / server.calls;
  return { server, parts, cpu, ceiling: sum(parts), rate: server.calls / server.seconds };
}

// How long the answer's body is, from one call that is not counted.
async function bodyLength(bench, requests) {
  const [answer] = await ask(bench.server, bench.folder, requests.slice(0, 1));
  return Buffer.byteLength(answer.body);
}

function summarise(row, rounds) {
  const of = (pick) => median(rounds.map(pick));
  const cpu = of((one) => one.cpu);
  const ceiling = of((one) => one.ceiling);
  const ratios = rounds.map((one) => one.ceiling / one.cpu);
  const names = Object.keys(rounds[0].parts);
  return {
    name: row.name,
    rate: of((one) => one.rate),
    rate_per_core: 1e6 / cpu,
    p50_ms: of((one) => one.server.p50_ms),
    p99_ms: of((one) => one.server.p99_ms),
    cpu_us_per_call: cpu,
    ceiling_us: ceiling,
    ratio: ceiling / cpu,
    goal: row.goal,
    ratio_least: Math.min(...ratios),
    ratio_most: Math.max(...ratios),
    calls_per_commit: row.table ? of((one) => one.server.group) : undefined,
    ceiling_parts: Object.fromEntries(names.map((name) => [name, of((one) => one.parts[name])])),
  };
}

export async function measure(bench, row) {
  const requests = () => row.requests(bench);
  const file = path.join(bench.folder, `${row.name}.requests`);
  const first = await requests();
  await writeRequests(file, first.slice(1).length ? first.slice(1) : first);
  const body = await bodyLength(bench, first);
  await loadServer(bench, row, file); // warms up; not counted
  const bareAnswers = await startAnswers({ body, ...row.answer });
  const rounds = [];
  try {
    for (let i = 0; i < ROUNDS; i++) {
      rounds.push(await round(bench, row, { file, bareAnswers, requests }));
    }
  } finally {
    await bareAnswers.stop();
  }
  return summarise(row, rounds);
}
