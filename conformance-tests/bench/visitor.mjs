// What has to happen before a call can be counted: locks are bound, a bidder signs in and consents,
// codes, tokens and challenges are made.
import { createHash } from 'node:crypto';
import { formFor } from '../../demo/bind.mjs';
import { Portal } from '../../demo/portal.mjs';
import { request } from './http.mjs';
import { ask, signChallenges } from './programs.mjs';

const VERIFIER = 'a-verifier-of-the-bench-that-is-long-enough-0123456789';
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
const FORM = 'application/x-www-form-urlencoded';

// An answer of the lock for this portal's session.
async function prove(portal, lock, purpose) {
  const { challenge } = await portal.post('/api/challenge', { purpose });
  const [answer] = await signChallenges(lock, portal.issuer, [challenge]);
  return answer;
}

export async function bind(issuer, lock) {
  const portal = new Portal(issuer);
  await portal.open();
  await portal.post('/api/bind/read', { answer: await prove(portal, lock, 'bind') });
  await portal.post('/api/bind/confirm', await formFor(portal, lock));
}

export async function signIn(issuer, lock) {
  const portal = new Portal(issuer);
  await portal.open();
  await portal.post('/api/sign-in', { answer: await prove(portal, lock, 'login') });
  return portal;
}

function authorizePath(client, more = {}) {
  const query = new URLSearchParams({
    ...more,
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirect,
    scope: more.scope ?? client.scope,
    state: 'c3RhdGUtb2YtdGhlLWJlbmNo',
    nonce: 'bm9uY2Utb2YtdGhlLWJlbmNo',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  });
  return `/oauth2/authorize?${query}`;
}

const cookieOf = (portal) => [...portal.cookies].map((pair) => pair.join('=')).join('; ');

// The consent that later authorizations find.
export async function consent(bench, portal, client) {
  const headers = { Cookie: cookieOf(portal) };
  const [first] = await ask(bench.servers[0], bench.folder, [
    request(bench.places.idp, { path: authorizePath(client), headers }),
  ]);
  const interaction = new URL(first.headers.location, bench.issuer).searchParams.get('interaction');
  await portal.post('/api/consent', { interaction, decision: 'allow' });
}

// The token calls of n fresh codes, ready to be sent.
export async function exchanges(bench, portal, client, n) {
  const headers = { Cookie: cookieOf(portal) };
  const authorize = request(bench.places.idp, { path: authorizePath(client), headers });
  const answers = await ask(bench.servers[0], bench.folder, Array(n).fill(authorize));
  return answers.map((answer) => {
    const code = new URL(answer.headers.location).searchParams.get('code');
    return redemption(bench, client, code);
  });
}

// n access tokens, each of a grant of its own.
export async function tokens(bench, portal, client, n) {
  const calls = await exchanges(bench, portal, client, n);
  const answers = await ask(bench.servers[0], bench.folder, calls);
  return answers.map(({ body }) => JSON.parse(body).access_token);
}

export function introspection({ places }, client, token) {
  return request(places.idp, {
    method: 'POST',
    path: '/oauth2/introspect',
    headers: { Authorization: client.basic, 'Content-Type': FORM },
    body: new URLSearchParams({ token }).toString(),
  });
}

export function userinfo({ places }, token) {
  return request(places.idp, {
    path: '/oauth2/userinfo',
    headers: { Authorization: `Bearer ${token}` },
  });
}

const post = ({ places, issuer }, path, { cookie, token }, value) =>
  request(places.idp, {
    method: 'POST',
    path,
    headers: {
      Origin: issuer,
      'Content-Type': 'application/json',
      Cookie: cookie,
      'X-Tamga-Token': token,
    },
    body: JSON.stringify(value),
  });

// The sign-in calls of n browsers, each with the lock's answer to its own challenge.
export async function signIns(bench, lock, n) {
  const { folder, issuer } = bench;
  const [server] = bench.servers;
  const open = request(bench.places.idp, { path: '/api/session' });
  const opened = await ask(server, folder, Array(n).fill(open));
  const browsers = opened.map(({ headers, body }) => ({
    cookie: headers['set-cookie'].split(';')[0],
    token: JSON.parse(body).token,
  }));
  const asked = await ask(
    server,
    folder,
    browsers.map((each) => post(bench, '/api/challenge', each, { purpose: 'login' })),
  );
  const challenges = asked.map(({ body }) => JSON.parse(body).challenge);
  const signed = await signChallenges(lock, issuer, challenges);
  return browsers.map((each, i) => post(bench, '/api/sign-in', each, { answer: signed[i] }));
}

const form = ({ places }, client, path, fields) =>
  request(places.idp, {
    method: 'POST',
    path,
    headers: { Authorization: client.basic, 'Content-Type': FORM },
    body: new URLSearchParams(fields).toString(),
  });

// Refresh tokens of n families: offline access is agreed to each time.
export async function families(bench, portal, client, n) {
  const [server] = bench.servers;
  const headers = { Cookie: cookieOf(portal) };
  const path = authorizePath(client, {
    prompt: 'consent',
    scope: `${client.scope} offline_access`,
  });
  const authorize = request(bench.places.idp, { path, headers });
  const asked = await ask(server, bench.folder, Array(n).fill(authorize));
  const codes = [];
  for (const { headers: got } of asked) {
    const interaction = new URL(got.location, bench.issuer).searchParams.get('interaction');
    const { location } = await portal.post('/api/consent', { interaction, decision: 'allow' });
    codes.push(new URL(location).searchParams.get('code'));
  }
  const calls = codes.map((code) => redemption(bench, client, code));
  const answers = await ask(server, bench.folder, calls);
  return answers.map(({ body }) => JSON.parse(body).refresh_token);
}

const redemption = (bench, client, code) =>
  form(bench, client, '/oauth2/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirect,
    code_verifier: VERIFIER,
  });

export const refresh = (bench, client, token) =>
  form(bench, client, '/oauth2/token', { grant_type: 'refresh_token', refresh_token: token });

export const revocation = (bench, client, token) =>
  form(bench, client, '/oauth2/revoke', { token });

export const clientCredentials = (bench, client) =>
  form(bench, client, '/oauth2/token', { grant_type: 'client_credentials' });
