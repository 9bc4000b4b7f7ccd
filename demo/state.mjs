// What the starter remembers between starts: the addresses, the registered clients and the bound locks.
// It holds for one set of addresses and keys; when either changes, the provider starts anew.
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeJson } from './settings.mjs';

const file = (folder) => path.join(folder, 'state.json');

export async function readState(folder) {
  const text = await readFile(file(folder), 'utf8').catch(() => '{}');
  return JSON.parse(text);
}

export function writeState(folder, state) {
  return writeJson(file(folder), state);
}

// stateFor(folder, before, places, made): the state to go on with, and whether it is a new one, in
// which case what the provider and the platforms had stored is removed. made: when the keys were.
export async function stateFor(folder, before, places, made) {
  const same = JSON.stringify(before.places) === JSON.stringify(places) && before.made === made;
  if (same && before.clients) return { state: before, fresh: false };
  for (const name of ['idp', 'platforms', 'mail', 'state.json']) {
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
  return { state: { places, made, bound: [] }, fresh: true };
}
