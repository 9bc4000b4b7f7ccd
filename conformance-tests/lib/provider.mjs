// An identity provider of a test's own, beside the region's: own address, own stores, own clients,
// the same authorities. It can be stopped, killed and started again.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bind } from '../../demo/bind.mjs';
import { trust } from '../../demo/https.mjs';
import { writeSigned } from '../../keys/trust-signatures.mjs';
import { makeCertificate } from './certificate.mjs';
import { request } from './http.mjs';
import { built, freePort, run, start, until } from './process.mjs';

export const providerProgram = () => process.env.TAMGA_IDP ?? built('bin/tamga-idp');

export class Provider {
  // change(settings): alters the settings file's value before it is written. tls: it speaks TLS, with
  // a certificate of its own that the test then trusts.
  static async make(demo, { address = '127.0.0.2', tls = false, change = () => {} } = {}) {
    const provider = new Provider();
    provider.folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
    provider.port = await freePort(address);
    provider.issuer = `${tls ? 'https' : 'http'}://${address}:${provider.port}`;
    provider.settings = path.join(provider.folder, 'idp.json');
    const usual = JSON.parse(await readFile(demo.idp.settings, 'utf8'));
    const settings = {
      ...usual,
      issuer: provider.issuer,
      development: !tls,
      listen: { address, port: provider.port },
      store: { sql: `sqlite:${path.join(provider.folder, 'store', 'tamga.db')}`, kv: 'memory:' },
      master_key_file: path.join(provider.folder, 'store', 'master.key'),
      crl_folder: path.join(provider.folder, 'store', 'lists'),
    };
    await mkdir(path.join(provider.folder, 'store'), { mode: 0o700 });
    provider.issuers = [provider.issuer];
    provider.managers = demo.managers;
    provider.list = await readFile(usual.trust_list, 'utf8');
    settings.trust_list = await provider.publish('trust-list.json', provider.list);
    if (tls) await provider.certify(settings, address);
    await change(settings);
    await writeFile(provider.settings, JSON.stringify(settings), { mode: 0o600 });
    return provider;
  }

  async certify({ listen }, address) {
    this.tls = await makeCertificate(this.folder, address);
    trust(await readFile(this.tls.file, 'utf8'));
    listen.tls_certificate = this.tls.file;
    listen.tls_key = this.tls.key;
  }

  // Lets these providers be nodes of one installation though each is an issuer of its own in the
  // tests: what trust managers sign, they sign for all of them.
  static async join(...nodes) {
    const issuers = nodes.map(({ issuer }) => issuer);
    for (const node of nodes) {
      node.issuers = issuers;
      await node.publish('trust-list.json', node.list);
    }
  }

  // Writes a trust list and beside it the signatures of these managers, of all for the provider's own
  // issuer. Returns its path. A value gets a number of its own, higher than all before.
  publish(file, list, { managers = this.managers, issuer = this.issuers } = {}) {
    const text = typeof list === 'string' ? list : JSON.stringify(this.numbered(list));
    return writeSigned(path.resolve(this.folder, file), text, { managers, issuer });
  }

  numbered(list) {
    this.number = Math.max(this.number ?? 0, JSON.parse(this.list).number) + 1;
    return { ...list, number: this.number };
  }

  // tamgactl trust load: of a value, or of a text as it stands.
  async load(list) {
    return this.command(['trust', 'load', await this.publish('loaded.json', list)]);
  }

  async start() {
    const program = start(providerProgram(), ['serve', '--settings', this.settings]);
    this.program = program;
    const probe = `${this.issuer}/.well-known/openid-configuration`;
    let ended = false;
    program.exit.then(() => (ended = true));
    await until(async () => ended || (await request(probe)).status === 200, this.issuer);
    if (ended) throw new Error(`the provider did not start: ${program.output()}`);
    return this;
  }

  stop(signal = 'SIGTERM') {
    return this.program.stop(signal);
  }

  async restart(signal = 'SIGTERM') {
    await this.stop(signal);
    return this.start();
  }

  log() {
    return this.program.output();
  }

  // Stops it and removes what it stored.
  async close() {
    const { code } = await this.stop();
    await rm(this.folder, { recursive: true, force: true });
    return code;
  }

  // tamgactl client WORDS on this provider's settings: what it answered.
  async client(words, input) {
    return operate(this.settings, words, input);
  }

  // Registers a client: {client_id, client_secret?, redirect_uri}.
  async addClient(metadata) {
    const usual = {
      client_name: '测试平台',
      'client_name#zh-CN': '测试平台',
      'client_name#en': 'Test platform',
      redirect_uris: ['http://127.0.0.43:9402/callback'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      scope: 'openid enterprise lock email phone address',
      tamga_environment: 'test',
    };
    const whole = { ...usual, ...metadata };
    const answer = await this.client(['add', '-'], JSON.stringify(whole));
    const { client_id, client_secret } = answer;
    return { client_id, client_secret, redirect_uri: whole.redirect_uris[0] };
  }

  // tamgactl WORDS on this provider's settings: what it answered.
  command(words, input) {
    return command(this.settings, words, input);
  }

  async bind(assistant, locks) {
    for (const lock of locks) await bind(this.issuer, assistant, lock);
  }
}

// tamgactl client WORDS with a settings file: what it answered, as a value.
export function operate(settings, words, input) {
  return command(settings, ['client', ...words], input);
}

// The same for any command.
export async function command(settings, words, input) {
  const args = ['--settings', settings, ...words];
  const { code, stdout, stderr } = await run(built('bin/tamgactl'), args, { input });
  if (code !== 0) throw new Error(`tamgactl ${words.join(' ')}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}
