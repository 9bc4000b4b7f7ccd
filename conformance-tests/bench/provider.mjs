// The provider that is measured: started here with stores of its own, on free loopback ports.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { at, choose } from '../../demo/addresses.mjs';
import { built, ROOT, trustManagers, writeJson, writeTrustList } from '../../demo/settings.mjs';
import { region as makeKeys } from '../../keys/region.mjs';
import { run } from '../../keys/openssl.mjs';
import { freePort } from '../lib/process.mjs';
import { THREADS } from './programs.mjs';

const START_MS = 20e3;
const TRY_EVERY_MS = 1;
const REDIRECT = 'http://127.0.0.99:9/callback';
const SCOPE = 'openid enterprise lock';
const OFFLINE = `${SCOPE} offline_access`;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// node: {place, operate (its port)}.
async function writeSettings({ folder, keys, places, issuer, stores }, { place, operate }) {
  const authorities = Object.entries(places).filter(([name]) => name.startsWith('authority'));
  return writeJson(path.join(folder, `idp-${place.port}.json`), {
    issuer,
    listen: { ...place, threads: THREADS },
    operate: { address: place.address, port: operate, drain_ms: 0 },
    development: true,
    store: stores.settings,
    master_key_file: path.join(folder, 'idp', 'master.key'),
    crl_folder: path.join(folder, 'idp', 'lists'),
    trust_list: path.join(folder, 'trust-list.json'),
    trust: trustManagers(keys),
    pages: built('web/portal'),
    outgoing: { allow: authorities.map(([, { address, port }]) => `${address}:${port}`) },
    lifetimes: { code_s: 600, challenge_s: 600, access_token_s: 3600 },
    rate_limits: {
      challenge_per_minute: 0,
      authorize_per_minute: 0,
      token_failures_per_minute: 0,
      sign_in_per_minute: 0,
      per_client_per_minute: 0,
    },
    log: { level: 'warn' },
  });
}

// Keys (kept from run to run), ports, empty stores, settings. {folder, region, keys, places, issuer,
// stores, nodes: [{place, operate, settings}]}
export async function prepare(folder, kind, say) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { authorities } = JSON.parse(await readFile(path.join(ROOT, 'demo/region.json'), 'utf8'));
  const region = { authorities, platforms: [] };
  const ports = { port: 0, assistant: 0, platform: 0, authority: 0 };
  const places = await choose(region, ports, true);
  const keys = await makeKeys(path.join(folder, 'region'), say);
  await rm(path.join(folder, 'idp'), { recursive: true, force: true });
  await mkdir(path.join(folder, 'idp'), { mode: 0o700 });
  const stores = await kind.open(folder);
  const bench = { folder, region, keys, places, issuer: at(places.idp), stores, nodes: [] };
  await writeTrustList(bench);
  for (let i = 0; i < kind.nodes; i++) {
    const place = i === 0 ? places.idp : { ...places.idp, port: await freePort() };
    const node = { place, operate: await freePort() };
    bench.nodes.push({ ...node, settings: await writeSettings(bench, node) });
  }
  return bench;
}

export async function startAuthorities({ region, keys, places }, children) {
  const start = (id) => {
    const place = places[`authority ${id}`];
    const { authority } = keys.authorities.find((each) => each.id === id);
    const where = ['--address', place.address, '--port', String(place.port)];
    const what = ['--folder', authority.folder, '--id', id, '--kind', authority.kind];
    const program = [path.join(ROOT, 'demo/authority.mjs'), ...what, ...where];
    return children.start(id, process.execPath, program, { probe: `${at(place)}/control` });
  };
  await Promise.all(Object.keys(region.authorities).map(start));
}

function answers(url) {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
    });
    request.on('error', () => resolve(false));
  });
}

async function untilItAnswers(url, child) {
  const end = Date.now() + START_MS;
  while (child.exitCode === null && Date.now() < end) {
    if (await answers(url)) return;
    await sleep(TRY_EVERY_MS);
  }
  throw new Error('the provider does not start; see its log');
}

// Brings the database up to date.
export const migrate = ({ nodes: [{ settings }] }) =>
  run(built('bin/tamga-idp'), ['migrate', '--settings', settings]);

// Starts a node: {pid, port, start_ms, stop()}.
export async function startNode({ folder }, { place, operate, settings }) {
  const log = await open(path.join(folder, 'logs', 'idp.log'), 'a', 0o600);
  const began = performance.now();
  const child = spawn(built('bin/tamga-idp'), ['serve', '--settings', settings], {
    stdio: ['ignore', log.fd, log.fd],
  });
  const ended = once(child, 'exit');
  await log.close();
  await untilItAnswers(`${at(place)}/.well-known/openid-configuration`, child);
  const start_ms = performance.now() - began;
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { pid: child.pid, port: place.port, operate, start_ms, stop };
}

// Memory of the process that is resident, in MiB.
export async function residentMib(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) / 1024;
}

// How many transactions SQLite has committed to the file: the change counter at byte 8 of the
// WAL index (sqlite.org/walformat.html section 2.1), which the provider keeps open.
export async function commits({ folder, stores }) {
  if (!stores.settings.sql.startsWith('sqlite:')) return 0; // PostgreSQL groups by itself
  const file = await open(path.join(folder, 'idp', 'tamga.db-shm'));
  const counter = Buffer.alloc(4);
  await file.read(counter, 0, 4, 8);
  await file.close();
  return counter.readUInt32LE();
}

// What the nodes have asked of their stores so far: {kv, sql}.
export async function roundTrips({ servers }) {
  const sums = { kv: 0, sql: 0 };
  for (const { operate } of servers) {
    const text = await (await fetch(`http://127.0.0.1:${operate}/metrics`)).text();
    for (const store of Object.keys(sums)) {
      const line = new RegExp(`^tamga_store_round_trips_total\\{store="${store}"\\} (\\d+)`, 'm');
      sums[store] += Number(line.exec(text)?.[1] ?? 0);
    }
  }
  return sums;
}

// Registers a confidential client through tamgactl: {id, alg, redirect, scope, basic}.
export async function register({ folder, nodes: [{ settings }] }, id, alg) {
  const file = path.join(folder, `${id}.json`);
  await writeJson(file, {
    client_id: id,
    client_name: id,
    redirect_uris: [REDIRECT],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: alg,
    scope: OFFLINE,
    tamga_environment: 'test',
  });
  const said = await run(built('bin/tamgactl'), ['--settings', settings, 'client', 'add', file]);
  const { client_secret: secret } = JSON.parse(said);
  const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  return { id, alg, redirect: REDIRECT, scope: SCOPE, basic };
}
