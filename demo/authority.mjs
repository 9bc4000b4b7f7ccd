// One certification authority's public services, for the demo and for tests:
//
//   POST /ocsp, GET /ocsp/<base64>    OCSP (RFC 6960 appendix A.1)
//   GET  /crl/intermediate.crl        what the intermediate revoked
//   GET  /crl/delta.crl               what it revoked since that list
//   GET  /root.crl                    what the root revoked
//   GET  /control                     {"fault", "asked": {"ocsp", "crl", "unchanged"}}
//   POST /control {"fault": NAME?, "delay_ms": N?, "renew": [NAME of a list]?}
//
// Lists have a number, live for an hour, and are made anew after ten minutes, or when "renew" says
// so; a list that is known is answered with 304 (ETag).
//
// Faults of the line: slow (answers after delay_ms, 8000 unless told) · silent (takes the question and
// says nothing) · dead (closes the connection) · refusing (nobody listens; whoever sets it is told
// "control", an address that does) · flapping (OCSP is dead twice, well once, and so on) · error (500).
// Faults of the answers: garbage (random bytes) · old (dates of last year) · replay (the last right
// answer, whatever is asked, and the first list of each name) · unknown (knows no certificate) ·
// stranger (signed by another than the responder) · lying (good, in the responder's name, signed by
// another key) · other_serial and other_issuer (about another certificate) · no_nonce · try_later.
// And none.
//
// node demo/authority.mjs --folder F --id ID --kind rsa|p256|sm2 --address A --port P
import http from 'node:http';
import { parseArgs } from 'node:util';
import { Authority } from '../keys/authority.mjs';
import { answer, ANSWER_FAULTS } from './responder.mjs';

const BODY_MAX = 8192;
const LIST_HOURS = 1;
const LIST_RENEW_MS = 10 * 60e3;
const LINE_FAULTS = ['slow', 'silent', 'dead', 'refusing', 'flapping', 'error'];
const FAULTS = new Set([...ANSWER_FAULTS, ...LINE_FAULTS]);
const LISTS = {
  '/crl/intermediate.crl': 'intermediate',
  '/crl/delta.crl': 'delta',
  '/root.crl': 'root',
};

const { values: options } = parseArgs({
  options: Object.fromEntries(
    ['folder', 'id', 'kind', 'address', 'port'].map((name) => [name, { type: 'string' }]),
  ),
});
const authority = new Authority({ ...options, names: {} });
const asked = { ocsp: 0, crl: 0, unchanged: 0 };
const state = { fault: 'none', delay_ms: 8000, flaps: 0, asked };
const lists = new Map(); // name -> {made, list: promise of {number, der}}
const first = new Map(); // name -> the first of its lists
let turn = Promise.resolve(); // `openssl ca` keeps one counter: one at a time

// A delta is over the full list that is served now.
async function makeDelta({ made, list }) {
  const { number } = await list;
  return authority.makeDelta(LIST_HOURS, { number, made: made - 1000 });
}

function held(name) {
  const one = lists.get(name);
  return one && Date.now() - one.made < LIST_RENEW_MS ? one : renewed(name);
}

function renewed(name) {
  const base = name === 'delta' ? held('intermediate') : null;
  const list = turn.then(() => (base ? makeDelta(base) : authority.makeCrl(name, LIST_HOURS)));
  turn = list.catch(() => lists.delete(name));
  const one = { made: Date.now(), list };
  lists.set(name, one);
  if (!first.has(name)) first.set(name, list);
  return one;
}

const listOf = (name) =>
  state.fault === 'replay' && first.has(name) ? first.get(name) : held(name).list;

async function read(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > BODY_MAX) throw Object.assign(new Error('too long'), { status: 413 });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function send(response, status, type, body) {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length });
  response.end(body);
}

const sendJson = (response, status, value) =>
  send(response, status, 'application/json', Buffer.from(JSON.stringify(value)));

// The faults that concern the connection; true when the request is done with.
async function misbehave(request, response) {
  if (state.fault === 'silent') return true;
  if (state.fault === 'dead') {
    request.socket.destroy();
    return true;
  }
  if (state.fault === 'error') {
    send(response, 500, 'text/plain', Buffer.from('fault\n'));
    return true;
  }
  if (state.fault === 'slow') {
    await new Promise((resolve) => setTimeout(resolve, state.delay_ms));
  }
  return false;
}

async function ocsp(request, response, pathname) {
  state.asked.ocsp++;
  if (state.fault === 'flapping' && state.flaps++ % 3 < 2) return request.socket.destroy();
  if (await misbehave(request, response)) return;
  const question =
    request.method === 'POST'
      ? await read(request)
      : Buffer.from(decodeURIComponent(pathname.slice('/ocsp/'.length)), 'base64');
  const der = await answer(authority, question, state.fault);
  send(response, 200, 'application/ocsp-response', der);
}

async function revocationList(request, response, name) {
  state.asked.crl++;
  if (await misbehave(request, response)) return;
  const { number, der } = await listOf(name);
  const tag = `"${name}-${number}"`;
  response.setHeader('ETag', tag);
  if (request.headers['if-none-match'] === tag) {
    state.asked.unchanged++;
    response.writeHead(304);
    response.end();
    return;
  }
  send(response, 200, 'application/pkix-crl', der);
}

async function control(request, response) {
  if (request.method === 'POST') {
    // A web page cannot send this type without asking first, which nothing here allows.
    const type = request.headers['content-type'] ?? '';
    if (!type.startsWith('application/json')) return sendJson(response, 415, { error: 'type' });
    const wanted = JSON.parse(await read(request));
    const { fault = state.fault, delay_ms = state.delay_ms, renew = [] } = wanted;
    if (!FAULTS.has(fault)) return sendJson(response, 400, { error: 'fault', known: [...FAULTS] });
    Object.assign(state, { fault, delay_ms, flaps: 0 });
    for (const name of renew) lists.delete(name);
    return obey(response);
  }
  return sendJson(response, 200, state);
}

// With the fault "refusing" only a second place, at a port of its own, hears the next command.
async function obey(response) {
  const refuses = state.fault === 'refusing';
  if (refuses === server.listening) await (refuses ? retire() : listen(server, options.port));
  const { port } = refuses ? aside.address() : options;
  response.setHeader('Connection', 'close');
  sendJson(response, 200, { ...state, control: `http://${options.address}:${port}/control` });
  if (!refuses) aside.close();
}

// Connections end when their requests do: the one that gave the command, too.
async function retire() {
  server.close();
  server.closeIdleConnections();
  if (!aside.listening) await listen(aside, 0);
}

function listen(which, port) {
  return new Promise((resolve) => which.listen(Number(port), options.address, resolve));
}

async function route(request, response) {
  const { pathname } = new URL(request.url, 'http://authority');
  const asks = request.method === 'POST' ? pathname === '/ocsp' : pathname.startsWith('/ocsp/');
  if (asks) return ocsp(request, response, pathname);
  if (pathname === '/control') return control(request, response);
  if (LISTS[pathname]) return revocationList(request, response, LISTS[pathname]);
  return send(response, 404, 'text/plain', Buffer.from('not found\n'));
}

function handle(request, response) {
  if (!server.listening) response.setHeader('Connection', 'close');
  route(request, response).catch((error) => {
    if (!response.headersSent) sendJson(response, error.status ?? 400, { error: error.message });
  });
}

const server = http.createServer(handle);
const aside = http.createServer(handle);
for (const each of [server, aside]) {
  each.on('error', (error) => {
    console.error(`authority ${options.id}: ${error.message}`);
    process.exit(1);
  });
}
listen(server, options.port);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const each of [server, aside]) {
      each.close();
      each.closeAllConnections?.();
    }
    process.exit(0);
  });
}
