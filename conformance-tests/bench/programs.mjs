// Runs the programs of this folder (rules.mk builds them).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from '../../demo/settings.mjs';
import { run } from '../../keys/openssl.mjs';
import { readAnswers, writeRequests } from './http.mjs';

const program = (name) => path.join(ROOT, 'build/bench/bin', name);
const CORES = os.cpus().length;

export const THREADS = Math.max(2, CORES); // of the servers
const CALLERS = 2; // threads of the load program
const PREPARING = 32; // connections in the phases that are not counted

// Plays a file of requests: {calls, seconds, cpu_us, p50_ms, p99_ms}. ms 0: each once.
export async function play({ port, pid }, file, { connections, ms = 0, answers }) {
  const numbers = [connections, Math.min(CALLERS, connections), ms].map(String);
  const kept = answers ? [answers] : [];
  const said = await run(program('bench-load'), [
    String(port),
    String(pid),
    file,
    ...numbers,
    ...kept,
  ]);
  const result = JSON.parse(said);
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.calls} calls were refused`);
  return result;
}

// Sends requests, each once, and resolves to their answers.
export async function ask(server, folder, requests) {
  const file = path.join(folder, 'asked.requests');
  const answers = path.join(folder, 'asked.answers');
  await writeRequests(file, requests);
  await play(server, file, { connections: Math.min(PREPARING, requests.length), answers });
  return readAnswers(answers);
}

// Starts the server that only answers; while(server) ends when the returned stop() is called.
// With workers, every request is handed to one of them and back.
export async function startAnswers({ body, type, cache = '', workers = 0 }) {
  const args = [String(THREADS), String(body), type, cache, String(workers)];
  const child = spawn(program('bench-answers'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error('bench-answers does not start');
    }),
  ]);
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  return { port: Number(line), pid: child.pid, stop };
}

// Measures a part of a ceiling on all cores at once, as they are busy when the server is measured:
// the mean of the programs. args(i): the arguments of the i-th.
async function bare(args) {
  const all = Array.from({ length: CORES }, (_, i) => run(program('bench-bare'), args(i)));
  return (await Promise.all(all)).map((said) => JSON.parse(said));
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const BARE_MS = 150;

async function bareUs(args) {
  return mean((await bare(args)).map(({ us }) => us));
}

export const bareSign = (kind, bytes) =>
  bareUs(() => ['sign', kind, String(bytes), String(BARE_MS)]);
export const bareVerify = (kind, bytes) =>
  bareUs(() => ['verify', kind, String(bytes), String(BARE_MS)]);

// {get, put, take}
export async function bareKv() {
  const all = await bare(() => ['kv']);
  return Object.fromEntries(['get', 'put', 'take'].map((k) => [k, mean(all.map((one) => one[k]))]));
}

// What bench-stores prints, as the mean of as many as there are cores.
async function bareStore(args) {
  const run1 = () => run(program('bench-stores'), [...args, String(BARE_MS)]);
  const all = (await Promise.all(Array.from({ length: CORES }, run1))).map((said) =>
    JSON.parse(said),
  );
  const names = Object.keys(all[0]);
  return Object.fromEntries(names.map((name) => [name, mean(all.map((one) => one[name]))]));
}

// {get, put, take}
export const bareRedis = (port, secret) => bareStore(['redis', String(port), secret]);

// {read, write, transaction}
export const barePostgres = (where, secret) => bareStore(['pg', where, secret]);

// The provider's own tables, with their indexes. Migrating makes the first one by itself.
async function wholeSchema() {
  const scripts = (await readdir(path.join(ROOT, 'schema'))).filter((name) => /\.sql$/.test(name));
  const read = (name) => readFile(path.join(ROOT, 'schema', name), 'utf8');
  const texts = await Promise.all(scripts.sort().map(read));
  return ['CREATE TABLE schema_version (version BIGINT);', ...texts].join('\n');
}

// Rows of a table, committed in groups; the i-th program has a database of its own.
export async function bareSql(folder, table, count, group) {
  const schema = path.join(folder, 'bare-schema.sql');
  await writeFile(schema, await wholeSchema());
  const file = (i) => path.join(folder, `bare-${table}-${i}.db`);
  const numbers = [String(count), group.toFixed(2)];
  return bareUs((i) => ['sql', table, file(i), schema, ...numbers]);
}

// Signs challenges with a lock's key file: [{format, algorithm, certificate, …}].
export async function signChallenges(lock, origin, challenges) {
  const input = `${challenges.join('\n')}\n`;
  const said = await run(program('bench-sign'), [lock.key, lock.certificate, origin], { input });
  const [algorithm, certificate, ...signatures] = said.toString().trim().split('\n');
  const rest = { format: 'tamga-lock:1', algorithm, certificate, agentVersion: '0.1.0' };
  return signatures.map((signature) => ({ ...rest, signature }));
}

// What bench-verify has measured: {row, us, p50_us, p99_us, parts} for each row and round.
export async function verifications(kind, rounds, threads) {
  const said = await run(program('bench-verify'), [kind, String(rounds), String(threads)]);
  return said
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

// What a list of so many revoked certificates costs: {load_ms, private_kib, found_ns, absent_ns}.
export const largeList = async (kind, entries) =>
  JSON.parse(await run(program('bench-crl'), [kind, String(entries)]));
