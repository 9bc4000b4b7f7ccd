// The demo region that end-to-end tests run against. With TAMGA_DEMO (the path of a demo.json) they
// use the one that runs there; without it a test file starts its own in build/e2e and stops it
// afterwards. Keys and locks are kept from run to run, what provider and platforms stored is not.
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { after } from 'node:test';
import { trust } from '../../demo/https.mjs';
import { postJson } from './http.mjs';
import { ROOT, start, until } from './process.mjs';

const START_MS = 180e3; // the first start makes all keys

const readJson = async (file) => JSON.parse(await readFile(file, 'utf8'));

async function forget(folder) {
  for (const name of ['idp', 'platforms', 'state.json']) {
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

// Whether another starter is at work in the folder: one may have ended without giving it back.
async function isTaken(folder) {
  const pid = await readFile(path.join(folder, 'starter.pid'), 'utf8').catch(() => '');
  const line = await readFile(`/proc/${pid.trim()}/cmdline`, 'utf8').catch(() => '');
  return pid !== '' && line.includes('run.mjs');
}

function readyLine(text) {
  return /^ready (.+)$/m.exec(text)?.[1];
}

// One attempt: {file, stop} or {failed: why}, or null where another starter still has the folder.
async function tryToStart(folder) {
  if (await isTaken(folder)) return null;
  await forget(folder);
  const args = [path.join(ROOT, 'demo/run.mjs'), '--folder', folder, '--free', '--quiet'];
  const starter = start(process.execPath, args);
  let ended = false;
  starter.exit.then(() => (ended = true));
  await until(() => ended || readyLine(starter.output()), 'the region', START_MS);
  const file = readyLine(starter.output());
  if (file) return { file, stop: () => starter.stop('SIGTERM') };
  if (starter.output().includes('is in use')) return null;
  return { failed: starter.output().trim() };
}

// Starts a region that has stored nothing yet: {file, stop()}.
export async function startRegion(folder = path.join(ROOT, 'build/e2e')) {
  const region = await until(() => tryToStart(folder), `${folder} to be free`, START_MS);
  if (region.failed) throw new Error(`the region did not start: ${region.failed}`);
  return region;
}

// The region of this test file: the value of its demo.json.
export async function openRegion() {
  if (process.env.TAMGA_DEMO) return described(process.env.TAMGA_DEMO);
  const region = await startRegion();
  after(() => region.stop());
  return described(region.file);
}

async function described(file) {
  const demo = await readJson(file);
  trust(await readFile(demo.ca));
  return demo;
}

export function lockOf(demo, label) {
  const lock = demo.locks.find((each) => each.label === label);
  if (!lock) throw new Error(`the demo has no lock ${label}`);
  return lock;
}

export function authorityOf(demo, id) {
  return demo.authorities.find((each) => each.id === id);
}

// Lets an authority misbehave (see demo/authority.mjs) until the returned function is called. While
// it refuses connections it takes orders elsewhere.
export async function misbehave(authority, fault, more = {}) {
  const answer = await postJson(authority.control, { fault, ...more });
  const { control } = answer.json();
  return () => postJson(control, { fault: 'none' });
}
