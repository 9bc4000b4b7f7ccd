// One certification authority's public services, for the demo and for tests:
//
//   POST /ocsp, GET /ocsp/<base64>    OCSP (RFC 6960 appendix A.1)
//   GET  /crl/intermediate.crl        what the intermediate revoked
//   GET  /root.crl                    what the root revoked
//   GET  /control                     {"fault", "asked": {"ocsp", "crl"}}
//   POST /control {"fault": NAME, "delay_ms": N?}
//
// Faults: none · slow (answers after delay_ms, 8000 unless told) · dead (closes the connection) ·
// error (500) · garbage (random bytes) · old (dates of last year) · unknown (knows no certificate) ·
// stranger (signed by another than the responder) · no_nonce · try_later.
//
// node demo/authority.mjs --folder F --id ID --kind rsa|p256|sm2 --address A --port P
import http from 'node:http';
import { parseArgs } from 'node:util';
import { Authority } from '../keys/authority.mjs';
import { answer, ANSWER_FAULTS } from './responder.mjs';

const BODY_MAX = 8192;
const CRL_HOURS = 24;
const CRL_RENEW_MS = 10 * 60e3;
const FAULTS = new Set([...ANSWER_FAULTS, 'slow', 'dead', 'error']);

const { values: options } = parseArgs({
  options: Object.fromEntries(
    ['folder', 'id', 'kind', 'address', 'port'].map((name) => [name, { type: 'string' }]),
  ),
});
const authority = new Authority({ ...options, names: {} });
const state = { fault: 'none', delay_ms: 8000, asked: { ocsp: 0, crl: 0 } };
const crls = new Map(); // issuer -> {made, der: promise}
let turn = Promise.resolve(); // `openssl ca` keeps one counter: one at a time

function crl(issuer) {
  const held = crls.get(issuer);
  if (held && Date.now() - held.made < CRL_RENEW_MS) return held.der;
  const der = turn.then(() => authority.makeCrl(issuer, CRL_HOURS));
  turn = der.catch(() => crls.delete(issuer));
  crls.set(issuer, { made: Date.now(), der });
  return der;
}

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
  if (await misbehave(request, response)) return;
  const question =
    request.method === 'POST'
      ? await read(request)
      : Buffer.from(decodeURIComponent(pathname.slice('/ocsp/'.length)), 'base64');
  const der = await answer(authority, question, state.fault);
  send(response, 200, 'application/ocsp-response', der);
}

async function revocationList(request, response, issuer) {
  state.asked.crl++;
  if (await misbehave(request, response)) return;
  send(response, 200, 'application/pkix-crl', await crl(issuer));
}

async function control(request, response) {
  if (request.method === 'POST') {
    // A web page cannot send this type without asking first, which nothing here allows.
    const type = request.headers['content-type'] ?? '';
    if (!type.startsWith('application/json')) return sendJson(response, 415, { error: 'type' });
    const { fault = state.fault, delay_ms = state.delay_ms } = JSON.parse(await read(request));
    if (!FAULTS.has(fault)) return sendJson(response, 400, { error: 'fault', known: [...FAULTS] });
    Object.assign(state, { fault, delay_ms });
  }
  return sendJson(response, 200, state);
}

async function route(request, response) {
  const { pathname } = new URL(request.url, 'http://authority');
  const asks = request.method === 'POST' ? pathname === '/ocsp' : pathname.startsWith('/ocsp/');
  if (asks) return ocsp(request, response, pathname);
  if (pathname === '/control') return control(request, response);
  if (pathname === '/root.crl') return revocationList(request, response, 'root');
  if (pathname === '/crl/intermediate.crl') {
    return revocationList(request, response, 'intermediate');
  }
  return send(response, 404, 'text/plain', Buffer.from('not found\n'));
}

const server = http.createServer((request, response) => {
  route(request, response).catch((error) => {
    if (!response.headersSent) sendJson(response, error.status ?? 400, { error: error.message });
  });
});
server.on('error', (error) => {
  console.error(`authority ${options.id}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(options.port), options.address);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections?.();
  });
}
