// Starts the demo region in the foreground: the authorities, the identity provider on its embedded
// stores, the platforms, and the assistant with its soft locks. Everything listens on loopback.
//
//   node demo/run.mjs [--folder build/demo] [--port 8080] [--free] [--quiet]
//                     [--assistant-port 17681] [--platform-port 9000] [--authority-port 8500]
//                     [--mail-port 2525]
//
// --free takes free ports instead; --quiet prints only the last line, `ready <demo.json>`.
// SIGINT and SIGTERM stop everything. When anything fails: one line, everything stopped, exit 1.
import { access, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { region as makeKeys } from '../keys/region.mjs';
import { serverCertificates } from '../keys/tls.mjs';
import { at, choose, secureAt } from './addresses.mjs';
import { bind } from './bind.mjs';
import { Children } from './children.mjs';
import { register } from './clients.mjs';
import { leaveFolder, takeFolder } from './folder-lock.mjs';
import { trust } from './https.mjs';
import * as settings from './settings.mjs';
import { readState, stateFor, writeState } from './state.mjs';
import { table } from './table.mjs';

const { built, ROOT } = settings;

function readOptions() {
  const text = (usual) => ({ type: 'string', default: usual });
  const flag = { type: 'boolean', default: false };
  try {
    return parseArgs({
      options: {
        folder: text(path.join(ROOT, 'build/demo')),
        port: text('8080'),
        'assistant-port': text('17681'),
        'platform-port': text('9000'),
        'authority-port': text('8500'),
        'mail-port': text('2525'),
        free: flag,
        quiet: flag,
      },
    }).values;
  } catch (error) {
    console.error(`demo: ${error.message}`);
    return process.exit(1);
  }
}

const options = readOptions();
const folder = path.resolve(options.folder);
const yes = () => true;
const no = () => false;
const say = (text) => options.quiet || console.log(text);

// What `make` builds and the starter needs.
const NEEDED = [
  'bin/tamga-idp',
  'bin/tamga-assistant',
  'bin/tamga-platform',
  'bin/tamgactl',
  'doubles/skf-double.so',
  'web/portal/index.html',
];

async function needBuilt() {
  for (const name of NEEDED) {
    await access(built(name)).catch(() => {
      throw new Error(`build/${name} is not there: build first (make ready)`);
    });
  }
}

function ports() {
  const number = (name) => {
    const value = Number(options[name]);
    const fits = Number.isInteger(value) && value > 0 && value < 65536;
    if (!fits) throw new Error(`--${name}: expected a port number, not "${options[name]}"`);
    return value;
  };
  return {
    port: number('port'),
    assistant: number('assistant-port'),
    platform: number('platform-port'),
    authority: number('authority-port'),
    mail: number('mail-port'),
  };
}

// A folder and its parents. mkdir's own `recursive` never ends where a parent is there and takes no
// folder all the same, as /proc does.
async function makeFolder(name) {
  const make = () => mkdir(name, { mode: 0o700 });
  try {
    await make();
  } catch (error) {
    if (error.code === 'EEXIST') return;
    const parent = path.dirname(name);
    const lacksParent = error.code === 'ENOENT' && !(await access(parent).then(yes, no));
    if (!lacksParent) throw new Error(`${name}: this folder cannot be made (${error.code})`);
    await makeFolder(parent);
    await make();
  }
}

// Everything that is decided before a program starts.
async function prepare() {
  await needBuilt();
  const wanted = ports();
  await makeFolder(path.join(folder, 'logs'));
  await takeFolder(folder);
  const region = JSON.parse(await readFile(path.join(ROOT, 'demo/region.json'), 'utf8'));
  const before = await readState(folder);
  const places = await choose(region, wanted, options.free, before.places);
  const keys = await makeKeys(path.join(folder, 'region'), (text) => say(`· ${text}`));
  const { state, fresh } = await stateFor(folder, before, places, keys.made);
  const tls = await makeServerCertificates(places);
  return { folder, region, places, keys, tls, state, fresh, issuer: secureAt(places.idp) };
}

// One for the provider and one for all platforms, which are one program.
async function makeServerCertificates(places) {
  const platforms = Object.entries(places).filter(([name]) => name.startsWith('platform'));
  const tls = await serverCertificates(path.join(folder, 'tls'), {
    idp: [places.idp.address],
    platforms: platforms.map(([, { address }]) => address),
  });
  trust(await readFile(tls.ca));
  return tls;
}

async function startAuthorities({ region, keys, places }, children) {
  const ids = Object.keys(region.authorities);
  const start = async (id) => {
    const place = places[`authority ${id}`];
    const { authority } = keys.authorities.find((each) => each.id === id);
    const where = ['--address', place.address, '--port', String(place.port)];
    const what = ['--folder', authority.folder, '--id', id, '--kind', authority.kind];
    const program = [path.join(ROOT, 'demo/authority.mjs'), ...what, ...where];
    const probe = `${at(place)}/control`;
    return [id, await children.start(`authority ${id}`, process.execPath, program, { probe })];
  };
  return Object.fromEntries(await Promise.all(ids.map(start)));
}

async function startMail({ folder, places }, children) {
  const { address, port } = places.mail;
  const kept = path.join(folder, 'mail');
  const where = ['--folder', kept, '--address', address, '--port', String(port)];
  const program = [path.join(ROOT, 'demo/mail.mjs'), ...where];
  await children.start('mail', process.execPath, program, { probe: `tcp://${address}:${port}` });
  return { folder: kept, server: `smtp://${address}:${port}` };
}

// Before the provider runs: no node has to agree to each new client then.
async function registerOnce(demo, file) {
  if (!demo.fresh) return;
  demo.state.clients = await register(demo, file);
  await writeState(demo.folder, demo.state);
  say(`· registered ${Object.keys(demo.state.clients).length} clients`);
}

async function startProvider(demo, children) {
  await settings.writeTrustList(demo);
  const file = await settings.writeProvider(demo);
  await registerOnce(demo, file);
  const probe = `${demo.issuer}/.well-known/openid-configuration`;
  const serve = ['serve', '--settings', file];
  const pid = await children.start('idp', built('bin/tamga-idp'), serve, { probe });
  say(`· identity provider answers at ${demo.issuer}`);
  return { settings: file, pid };
}

async function startPlatforms(demo, clients, children) {
  const file = await settings.writePlatforms(demo, clients);
  const [first] = JSON.parse(await readFile(file, 'utf8')).platforms;
  const serve = ['serve', '--settings', file];
  await children.start('platforms', built('bin/tamga-platform'), serve, {
    probe: `${secureAt(first)}/`,
  });
}

async function startAssistant(demo, children) {
  const file = await settings.writeAssistant(demo);
  const env = settings.assistantEnvironment(demo.keys);
  const program = built('bin/tamga-assistant');
  const address = at(demo.places.assistant);
  await children.start('assistant', program, ['serve', '--settings', file], {
    env,
    probe: `${address}/status`, // answers, with a refusal, as soon as it listens
  });
  return { address, settings: file, program, env };
}

// Binds the locks that the demo shows as bound; each once.
async function bindLocks({ folder, issuer, keys, state }, assistant) {
  for (const lock of keys.locks.filter((each) => each.bound)) {
    if (state.bound.includes(lock.label)) continue;
    await bind(issuer, assistant, lock).catch((error) => {
      if (error.code !== 'lock.already_bound') {
        throw new Error(`binding ${lock.label}: ${error.message}`);
      }
    });
    state.bound.push(lock.label);
    await writeState(folder, state);
  }
}

// demo.json, for tools and tests.
function describe({ folder, region, places, keys, tls, state, issuer }, running) {
  const { assistant, idp, pids, mail } = running;
  const platforms = region.platforms.map(({ id, name, group, joined = true }) => ({
    id,
    ...state.clients[id],
    name,
    group,
    home: `${secureAt(places[`platform ${id}`])}/`,
    joined,
  }));
  const authorities = Object.entries(pids).map(([id, pid]) => {
    const { authority, names, phone } = keys.authorities.find((each) => each.id === id);
    const address = at(places[`authority ${id}`]);
    return {
      id,
      names,
      phone,
      root: authority.file('root.crt'),
      intermediate: authority.file('intermediate.crt'),
      ocsp: `${address}/ocsp`,
      crl: `${address}/crl/intermediate.crl`,
      address,
      pid,
      control: `${address}/control`,
    };
  });
  const locks = keys.locks.map(({ company, ...lock }) => ({
    ...lock,
    company: company.zh,
    company_en: company.en,
    bound: state.bound.includes(lock.label),
  }));
  const { client_id, redirect_uri } = state.clients.public;
  return {
    issuer,
    portal: `${issuer}/`,
    ca: tls.ca,
    key_hashes: tls.key_hashes,
    assistant,
    idp,
    mail,
    folder,
    platforms,
    tool_client: state.clients.tool,
    public_client: { client_id, redirect_uri },
    locks,
    managers: keys.managers,
    managers_env: settings.assistantEnvironment({
      settings: keys.managers_settings,
      skf: keys.managers_skf,
    }),
    skf_faults: path.join(keys.skf, 'faults'),
    authorities,
  };
}

async function start(children) {
  const demo = await prepare();
  say(demo.fresh ? '· starting a new region' : '· starting the region again');
  const [pids, idp, mail] = await Promise.all([
    startAuthorities(demo, children),
    startProvider(demo, children),
    startMail(demo, children),
  ]);
  const [assistant] = await Promise.all([
    startAssistant(demo, children),
    startPlatforms(demo, demo.state.clients, children),
  ]);
  say('· authorities, assistant and platforms answer');
  await bindLocks(demo, assistant);
  const description = describe(demo, { assistant, idp, pids, mail });
  const file = await settings.writeJson(path.join(demo.folder, 'demo.json'), description);
  say(table(description, demo.region.try));
  console.log(`ready ${file}`);
}

const children = new Children(path.join(folder, 'logs'));
let leaving = false;

async function leave(status) {
  if (leaving) return;
  leaving = true;
  await children.stop();
  await leaveFolder(folder);
  process.exit(status);
}

function failed(error) {
  if (!leaving) console.error(`demo: ${error.message}`);
  return leave(1);
}

process.on('SIGINT', () => leave(0));
process.on('SIGTERM', () => leave(0));
children.failure.catch(failed);
start(children).catch(failed);
