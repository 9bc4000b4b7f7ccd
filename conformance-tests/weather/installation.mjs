// An installation of the provider: nodes with the stores they share, and what stands in front.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { built, trustManagers } from '../../demo/settings.mjs';
import { writeSigned } from '../../keys/trust-signatures.mjs';
import { answerOf } from '../lib/lock-answer.mjs';
import { Nginx } from '../lib/nginx.mjs';
import { Postgres } from '../lib/postgres.mjs';
import { freePort, run, until } from '../lib/process.mjs';
import { Redis } from '../lib/redis.mjs';
import { Node } from './node.mjs';
import { Wire } from './wire.mjs';

const ADDRESS = '127.0.0.1';
const DATABASE = 'tamga';
const REDIRECT = 'http://127.0.0.99:9/callback';
const LIMITS = ['challenge', 'authorize', 'token_failures', 'sign_in', 'per_client'];

const writeJson = (file, value) => writeFile(file, JSON.stringify(value, null, 2), { mode: 0o600 });

export class Installation {
  // How many nodes; embedded: one node on its own stores, without a proxy. tune(settings): changes
  // every node's settings; postgres, redis: options of their make().
  static async open(place, { nodes = 3, embedded = false, tune = () => {}, ...more } = {}) {
    const made = new Installation();
    Object.assign(made, { place, embedded, tune });
    made.folder = await place.fresh('installation');
    try {
      await made.startStores(more);
      await made.startNodes(embedded ? 1 : nodes);
      await made.populate();
    } catch (error) {
      await made.close();
      throw error;
    }
    return made;
  }

  async startStores({ postgres, redis }) {
    if (this.embedded) return;
    const named = (name) => path.join(this.folder, name);
    this.postgres = await (await Postgres.make(named('postgres'), postgres)).start();
    this.redis = await (await Redis.make(named('redis'), redis)).start();
    this.proxy = await Nginx.make(named('nginx'));
    await this.postgres.create(DATABASE);
    await this.postgres.passwordFile(named('postgres.password'));
    await this.redis.passwordFile(named('redis.password'));
  }

  stores() {
    if (this.embedded)
      return { sql: `sqlite:${path.join(this.folder, 'tamga.db')}`, kv: 'memory:' };
    return {
      sql: this.postgres.uri(DATABASE),
      sql_password_file: path.join(this.folder, 'postgres.password'),
      sql_connections: 12,
      kv: this.redis.uri(),
      kv_password_file: path.join(this.folder, 'redis.password'),
    };
  }

  settingsOf(port, operatePort) {
    const limits = LIMITS.map((name) => [`${name}_per_minute`, 0]);
    const settings = {
      issuer: this.proxy?.origin ?? `http://${ADDRESS}:${port}`,
      listen: { address: ADDRESS, port, threads: 1, workers: 16, connections_per_address: 10000 },
      operate: { address: ADDRESS, port: operatePort, drain_ms: 1500 },
      development: true,
      store: this.stores(),
      master_key_file: path.join(this.folder, 'master.key'),
      crl_folder: path.join(this.folder, 'lists'),
      trust_list: path.join(this.folder, 'trust-list.json'),
      trust: trustManagers(this.place.keys),
      pages: built('web/portal'),
      outgoing: { allow: this.place.hosts() },
      lifetimes: { code_s: 60, access_token_s: 7200, session_idle_s: 7200 },
      rate_limits: Object.fromEntries(limits),
      log: { level: 'info' },
    };
    if (this.proxy) settings.listen.proxies = [ADDRESS];
    this.tune(settings);
    return settings;
  }

  async makeNode(i) {
    const port = await freePort(ADDRESS);
    const operatePort = await freePort(ADDRESS);
    const settings = path.join(this.folder, `node-${i}.json`);
    const value = this.settingsOf(port, operatePort);
    const { managers } = this.place.keys;
    const how = { managers, issuer: value.issuer };
    if (i === 0) await writeSigned(value.trust_list, this.place.trustList, how);
    await writeJson(settings, value);
    const log = path.join(this.folder, `node-${i}.log`);
    return new Node({ name: `node-${i}`, address: ADDRESS, port, operatePort, settings, log });
  }

  async startNodes(count) {
    this.nodes = [];
    for (let i = 0; i < count; i++) this.nodes.push(await this.makeNode(i));
    await this.command('tamga-idp', ['migrate', '--settings', this.nodes[0].settings]);
    await this.nodes[0].start(); // makes the keys
    await Promise.all(this.nodes.slice(1).map((node) => node.start()));
    await this.proxy?.start(this.nodes.map(({ address, port }) => `${address}:${port}`));
    this.issuer = this.proxy?.origin ?? this.nodes[0].origin;
    this.wire = this.newWire();
  }

  newWire(more = {}) {
    return new Wire(this.issuer, { ca: this.proxy?.ca, ...more });
  }

  async command(program, args, input) {
    const { code, stdout, stderr } = await run(built(`bin/${program}`), args, { input });
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  }

  // --- who is known ----------------------------------------------------------------------------

  async populate() {
    this.clients = [await this.register('north'), await this.register('south')];
    this.locks = this.place.locks();
    for (const lock of this.locks) await this.bind(lock);
  }

  async register(id) {
    const metadata = {
      client_id: id,
      client_name: id,
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      scope: 'openid enterprise lock offline_access',
      tamga_environment: 'test',
    };
    const words = ['--settings', this.nodes[0].settings, 'client', 'add', '-'];
    const said = await this.command('tamgactl', words, JSON.stringify(metadata));
    return { ...JSON.parse(said), redirect_uri: REDIRECT };
  }

  async bind(lock) {
    const browser = { cookie: '', token: '' };
    const call = async (path, value) => {
      const headers = { Cookie: browser.cookie, Origin: this.issuer };
      headers['Content-Type'] = 'application/json';
      headers['X-Tamga-Token'] = browser.token;
      const how = value && { method: 'POST', headers, body: JSON.stringify(value) };
      const said = await this.wire.send(path, how ?? { headers: { Cookie: browser.cookie } });
      const json = JSON.parse(said.text);
      if (said.status !== 200) throw new Error(`${path}: ${said.status} ${said.text}`);
      for (const line of said.headers['set-cookie'] ?? []) browser.cookie = line.split(';')[0];
      browser.token = json.token ?? browser.token;
      return json;
    };
    await call('/api/session');
    const { challenge } = await call('/api/challenge', { purpose: 'bind' });
    await call('/api/bind/read', { answer: answerOf(lock, { origin: this.issuer, challenge }) });
    const { cities, entity_types: types } = await call('/api/bind/choices');
    await call('/api/bind/confirm', {
      city: cities[0].id,
      legal_representative: '某某',
      phone: '0471-0000000',
      address: '示例路1号',
      entity_types: [types[0].id],
      email: 'bidder@example.com',
    });
  }

  // --- looking inside --------------------------------------------------------------------------

  // A number from the database.
  async count(statement) {
    if (!this.embedded) return Number(await this.postgres.query(DATABASE, statement));
    const args = ['-bail', path.join(this.folder, 'tamga.db'), statement];
    const { code, stdout, stderr } = await run('sqlite3', args);
    if (code !== 0) throw new Error(`sqlite3: ${stderr}`);
    return Number(stdout.trim());
  }

  untilAllAreReady(ms = 30e3) {
    return until(
      async () => (await Promise.all(this.nodes.map((node) => node.isReady()))).every(Boolean),
      'all nodes to be ready',
      ms,
    );
  }

  async closeProxy() {
    if (!this.proxy?.program) return;
    await this.proxy.program.stop('SIGTERM'); // killed, it would leave its worker behind
    await writeFile(path.join(this.folder, 'nginx.log'), this.proxy.program.output());
  }

  async close() {
    this.wire?.close();
    await this.closeProxy();
    await Promise.all((this.nodes ?? []).map((node) => node.stop()));
    await this.redis?.program?.stop('SIGKILL');
    if (this.postgres?.program) await this.postgres.kill();
  }
}
