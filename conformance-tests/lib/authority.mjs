// A certification authority of a test's own: a copy of one of the region's, with keys and index, whose
// services a test may stop, and whose certificates it may revoke.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Authority } from '../../keys/authority.mjs';
import { postJson, request } from './http.mjs';
import { freePort, ROOT, start, until } from './process.mjs';

export class OwnAuthority {
  // id: of the region's authority that is copied.
  static async make(demo, id, address) {
    const own = new OwnAuthority();
    const { intermediate } = demo.authorities.find((each) => each.id === id);
    const kind = id.split('-')[1];
    own.id = id;
    own.folder = await mkdtemp(path.join(tmpdir(), 'tamga-authority-'));
    await cp(path.dirname(intermediate), own.folder, { recursive: true });
    own.authority = new Authority({ id, names: {}, kind, folder: own.folder });
    own.place = { address, port: await freePort(address) };
    own.origin = `http://${address}:${own.place.port}`;
    return own;
  }

  async start() {
    const { address, port } = this.place;
    const what = ['--folder', this.folder, '--id', this.id, '--kind', this.authority.kind];
    const where = ['--address', address, '--port', String(port)];
    const program = path.join(ROOT, 'demo/authority.mjs');
    this.program = start(process.execPath, [program, ...what, ...where]);
    await until(async () => (await request(`${this.origin}/control`)).status === 200, this.origin);
    return this;
  }

  stop() {
    return this.program.stop('SIGKILL');
  }

  async close() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  // What it was asked, and its fault.
  async state() {
    return JSON.parse((await request(`${this.origin}/control`)).text);
  }

  // {fault, delay_ms, renew}: see demo/authority.mjs.
  control(wish) {
    return postJson(`${this.origin}/control`, wish);
  }

  // The trust list's word on it, with its services here: `change` replaces members of revocation.
  entry(listed, change) {
    const here = (url) => url.replace(/^http:\/\/[^/]+/, this.origin);
    const moved = (list) => list.map(({ url }) => ({ url: here(url) }));
    const { ocsp, crl } = listed.revocation;
    const revocation = { ...listed.revocation, ocsp: moved(ocsp), crl: moved(crl), ...change };
    return { ...listed, revocation };
  }
}
