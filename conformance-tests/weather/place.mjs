// What every installation in the weather stands on: a folder, keys and locks (kept from run to run),
// authorities that answer, clients.
import { chmod, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { at, choose } from '../../demo/addresses.mjs';
import { Children } from '../../demo/children.mjs';
import { ROOT, trustListText } from '../../demo/settings.mjs';
import { region as makeKeys } from '../../keys/region.mjs';
import { readFile } from 'node:fs/promises';

const quiet = () => {};

export class Place {
  static async make(folder, say = quiet) {
    const place = new Place();
    place.folder = folder;
    await mkdir(path.join(folder, 'logs'), { recursive: true });
    await chmod(folder, 0o711); // services under it run as another user
    const { authorities } = JSON.parse(await readFile(path.join(ROOT, 'demo/region.json'), 'utf8'));
    place.region = { authorities, platforms: [] };
    const ports = { port: 0, assistant: 0, platform: 0, authority: 0 };
    place.places = await choose(place.region, ports, true);
    place.keys = await makeKeys(path.join(folder, 'region'), say);
    place.trustList = await trustListText(place);
    place.children = new Children(path.join(folder, 'logs'));
    await place.startAuthorities();
    return place;
  }

  // An empty folder of that name in this place.
  async fresh(name) {
    const folder = path.join(this.folder, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o711);
    return folder;
  }

  async startAuthorities() {
    const start = (id) => {
      const where = this.places[`authority ${id}`];
      const { authority } = this.keys.authorities.find((each) => each.id === id);
      const args = ['--folder', authority.folder, '--id', id, '--kind', authority.kind];
      const listen = ['--address', where.address, '--port', String(where.port)];
      const program = [path.join(ROOT, 'demo/authority.mjs'), ...args, ...listen];
      return this.children.start(id, process.execPath, program, { probe: `${at(where)}/control` });
    };
    await Promise.all(Object.keys(this.region.authorities).map(start));
  }

  // Where questions about certificates go: for outgoing.allow.
  hosts() {
    const named = Object.entries(this.places).filter(([name]) => name.startsWith('authority'));
    return named.map(([, { address, port }]) => `${address}:${port}`);
  }

  // Locks that sign in and whose signatures node makes quickly: [one for each company].
  locks() {
    const quick = this.keys.locks.filter((each) => each.bound && each.key_type !== 'sm2');
    const companies = new Map(quick.map((each) => [each.uscc, each]));
    return [...companies.values()];
  }

  close() {
    return this.children.stop();
  }
}
