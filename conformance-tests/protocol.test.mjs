// The OpenID provider as programs see it, without a browser: every rule of the endpoints, good and
// bad, against the running region and against providers of the tests' own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { prove, signIn } from '../demo/bind.mjs';
import { postForm, request } from './lib/http.mjs';
import { decode, signatureIsGood } from './lib/jwt.mjs';
import { newVisitor, Party, pkce, random, sha256, signedIn } from './lib/party.mjs';
import { Provider } from './lib/provider.mjs';
import { redirectsThatAreNot } from './lib/redirects.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const { issuer, assistant } = demo;
const tool = new Party(issuer, demo.tool_client); // RS256
const open = new Party(issuer, demo.public_client); // no secret
const platformOf = (id) => demo.platforms.find((each) => each.id === id);
const platform = new Party(issuer, platformOf('construction')); // ES256
const lock = (label) => lockOf(demo, label);

let bidder; // company-a, signed in
let own; // a provider of this file's own, with company-c bound
let ownBidder;

before(async () => {
  bidder = await signedIn(issuer, assistant, lock('company-a-primary'));
  own = await (await Provider.make(demo)).start();
  await own.bind(assistant, [lock('company-c-primary')]);
  ownBidder = await signedIn(own.issuer, assistant, lock('company-c-primary'));
});

after(() => own?.close());

const jwks = async (at = issuer) => (await request(`${at}/oauth2/jwks`)).json();
const userinfo = (token, options = {}) =>
  request(`${issuer}/oauth2/userinfo`, {
    ...options,
    headers: { Authorization: `Bearer ${token}`, ...options.headers },
  });

// A page that tells the code, and no way on from it.
function assertPage(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.location, undefined);
  assert.match(answer.headers['content-type'], /^text\/html/);
  assert.ok(answer.text.includes(code), `${code} in ${answer.text}`);
}

// An error that went to the client with its state and the issuer (RFC 9207).
function assertSentBack(answer, party, error, state = 'a state') {
  assert.equal(answer.status, 303, answer.text);
  const { origin, pathname, searchParams } = answer.location;
  assert.equal(`${origin}${pathname}`, party.client.redirect_uri);
  assert.equal(searchParams.get('error'), error);
  assert.equal(searchParams.get('state'), state);
  assert.equal(searchParams.get('iss'), party.issuer);
  assert.equal(searchParams.get('code'), null);
}

function assertError(answer, status, error) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'], /^application\/json/);
  assert.equal(answer.json().error, error);
}

const assertRefused = (promise, code) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    return true;
  });

// --- discovery ---------------------------------------------------------------------------------

test('the discovery document names the issuer and endpoints that answer', async () => {
  const answer = await request(`${issuer}/.well-known/openid-configuration`);
  const document = answer.json();
  assert.equal(answer.status, 200);
  assert.equal(document.issuer, issuer);
  assert.deepEqual(document.response_types_supported, ['code']);
  assert.deepEqual(document.code_challenge_methods_supported, ['S256']);
  assert.deepEqual(document.id_token_signing_alg_values_supported.sort(), ['ES256', 'RS256']);
  assert.equal(document.authorization_response_iss_parameter_supported, true);
  assert.equal(document.claims_parameter_supported, true);
  assert.equal(document.request_parameter_supported, false);
  for (const [name, value] of Object.entries(document)) {
    if (!name.endsWith('_endpoint') && name !== 'jwks_uri') continue;
    assert.ok(value.startsWith(`${issuer}/`), name);
    assert.notEqual((await request(value)).status, 404, name);
  }
});

test('the JWK set holds a key for ES256 and one for RS256, and nothing private', async () => {
  const { keys } = await jwks();
  assert.deepEqual([...new Set(keys.map(({ alg, kty, use }) => `${alg} ${kty} ${use}`))].sort(), [
    'ES256 EC sig',
    'RS256 RSA sig',
  ]);
  const names = new Set(keys.flatMap((key) => Object.keys(key)));
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!names.has(name), name);
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length);
});

test('discovery and keys may be cached, asked again cheaply, and read by scripts', async () => {
  for (const path of ['/.well-known/openid-configuration', '/oauth2/jwks']) {
    const { headers } = await request(`${issuer}${path}`);
    assert.match(headers['cache-control'], /max-age=900/);
    assert.equal(headers['access-control-allow-origin'], '*');
    const again = await request(`${issuer}${path}`, {
      headers: { 'If-None-Match': headers.etag },
    });
    assert.equal(again.status, 304);
  }
});

// --- authorize: what is told on a page -----------------------------------------------------------

test('an unknown client is told on a page and nobody is sent anywhere', async () => {
  assertPage(await tool.ask(bidder, { client_id: 'nobody' }), 400, 'client.unknown');
  assertPage(await tool.ask(bidder, { client_id: undefined }), 400, 'client.unknown');
  assertPage(await tool.ask(bidder, { client_id: '' }), 400, 'client.unknown');
});

test('a redirect URI that is not registered byte for byte is told on a page', async () => {
  assertPage(await tool.ask(bidder, { redirect_uri: undefined }), 400, 'client.redirect_uri');
  const vectors = redirectsThatAreNot(demo.tool_client.redirect_uri);
  assert.ok(vectors.length >= 200, `${vectors.length} vectors`);
  for (const redirect_uri of vectors) {
    const answer = await tool.ask(bidder, { redirect_uri, prompt: 'none' });
    assert.equal(answer.location, undefined, redirect_uri);
    assert.equal(answer.status, 400, redirect_uri);
  }
});

test("another client's redirect URI is told on a page", async () => {
  const { redirect_uri } = platform.client;
  assertPage(await tool.ask(bidder, { redirect_uri }), 400, 'client.redirect_uri');
});

test('a platform that has not joined is told on a page', async () => {
  const party = new Party(issuer, platformOf('erenhot'));
  assertPage(await party.ask(bidder), 403, 'client.not_active');
});

test('a parameter that stands twice is told on a page, whichever it is', async () => {
  for (const name of ['client_id', 'redirect_uri', 'state', 'scope', 'nonce', 'response_type']) {
    const address = new URL(tool.address({ code_challenge: pkce().challenge }));
    address.searchParams.append(name, address.searchParams.get(name));
    assertPage(await bidder.visit(address), 400, 'request.shape');
  }
});

test('what a client calls itself is never markup on the error page', async () => {
  const answer = await tool.ask(bidder, { client_id: '<img src=x onerror=alert(1)>' });
  assert.equal(answer.status, 400);
  assert.ok(!answer.text.includes('<img src=x'));
});

// --- authorize: what is told to the client -------------------------------------------------------

const WRONG = [
  ['a missing response_type', { response_type: undefined }, 'invalid_request'],
  ['a token from the front channel', { response_type: 'token' }, 'unsupported_response_type'],
  ['a hybrid flow', { response_type: 'code id_token' }, 'unsupported_response_type'],
  ['response_mode fragment', { response_mode: 'fragment' }, 'invalid_request'],
  ['response_mode form_post', { response_mode: 'form_post' }, 'invalid_request'],
  ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
  ['a request_uri', { request_uri: 'https://x.example/r' }, 'request_uri_not_supported'],
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['PKCE plain', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['PKCE without its method', { code_challenge_method: undefined }, 'invalid_request'],
  ['a challenge that is too short', { code_challenge: 'abc' }, 'invalid_request'],
  ['a challenge that is not base64url', { code_challenge: '='.repeat(43) }, 'invalid_request'],
  ['prompt none with another', { prompt: 'none login' }, 'invalid_request'],
  ['a max_age that is no number', { max_age: '1e3' }, 'invalid_request'],
  ['a negative max_age', { max_age: '-1' }, 'invalid_request'],
  ['a scope beyond the registration', { scope: 'openid email' }, 'invalid_scope'],
  ['only unknown scopes', { scope: 'profile' }, 'invalid_scope'],
  ['claims that are not JSON', { claims: '{' }, 'invalid_request'],
  ['claims that are a list', { claims: '[]' }, 'invalid_request'],
];

for (const [what, change, error] of WRONG) {
  test(`the client is told of ${what}`, async () => {
    assertSentBack(await platform.ask(bidder, change), platform, error);
  });
}

test('a state that holds a control character is refused and not sent back', async () => {
  const answer = await platform.ask(bidder, { state: 'a\u0007b' });
  assertSentBack(answer, platform, 'invalid_request', null);
});

test('a state of every printable character comes back as it was', async () => {
  const state = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
  const { back } = await tool.code(bidder, { state });
  assert.equal(back.searchParams.get('state'), state);
});

test('an answer holds exactly code, state and iss', async () => {
  const { back } = await tool.code(bidder);
  assert.deepEqual([...back.searchParams.keys()].sort(), ['code', 'iss', 'state']);
  assert.equal(back.searchParams.get('iss'), issuer);
});

test('a request without state gets an answer without state', async () => {
  const { back } = await tool.code(bidder, { state: undefined });
  assert.deepEqual([...back.searchParams.keys()].sort(), ['code', 'iss']);
});

test('a request may come by POST as well', async () => {
  await tool.code(bidder);
  const { searchParams } = new URL(tool.address({ code_challenge: pkce().challenge }));
  const answer = await bidder.visit('/oauth2/authorize', {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `${searchParams}`,
  });
  assert.equal(answer.status, 303);
  assert.ok(answer.location.searchParams.get('code'));
});

// --- authorize: sessions, prompt, max_age ----------------------------------------------------------

test('who is not signed in goes to the sign-in page with an interaction', async () => {
  const visitor = await newVisitor(issuer);
  const answer = await platform.ask(visitor);
  assert.equal(answer.status, 303);
  assert.equal(answer.location.origin, issuer);
  assert.equal(answer.location.pathname, '/sign-in');
  const interaction = answer.location.searchParams.get('interaction');
  const told = await visitor.get(`/api/interaction?interaction=${interaction}`);
  assert.equal(told.needs, 'sign_in');
  assert.equal(told.client.id, platform.client.client_id);
  assert.ok(told.claims.every(({ value }) => value === null));
});

test('prompt none does not show a page: login_required when nobody is signed in', async () => {
  const visitor = await newVisitor(issuer);
  assertSentBack(await tool.ask(visitor, { prompt: 'none' }), tool, 'login_required');
});

test('prompt none is consent_required before consent and a code after it', async () => {
  const party = new Party(own.issuer, await own.addClient({ client_id: 'silent' }));
  assertSentBack(await party.ask(ownBidder, { prompt: 'none' }), party, 'consent_required');
  await party.code(ownBidder);
  const answer = await party.ask(ownBidder, { prompt: 'none' });
  assert.ok(answer.location.searchParams.get('code'));
});

test('consent to some scopes is not consent to more', async () => {
  const party = new Party(own.issuer, await own.addClient({ client_id: 'growing' }));
  await party.code(ownBidder, { scope: 'openid enterprise' });
  const more = await party.ask(ownBidder, { prompt: 'none', scope: 'openid enterprise phone' });
  assertSentBack(more, party, 'consent_required');
  const claims = JSON.stringify({ id_token: { email: null } });
  const asked = await party.ask(ownBidder, { prompt: 'none', scope: 'openid enterprise', claims });
  assertSentBack(asked, party, 'consent_required');
});

test('prompt consent asks again although consent is remembered', async () => {
  await tool.code(bidder);
  const answer = await tool.ask(bidder, { prompt: 'consent' });
  assert.equal(answer.location.pathname, '/consent');
});

test('a refusal of consent goes to the client as access_denied', async () => {
  const asked = await tool.ask(bidder, { prompt: 'consent' });
  const interaction = asked.location.searchParams.get('interaction');
  const { location } = await bidder.post('/api/consent', { interaction, decision: 'deny' });
  const { searchParams } = new URL(location);
  assert.equal(searchParams.get('error'), 'access_denied');
  assert.equal(searchParams.get('state'), 'a state');
  assert.equal(searchParams.get('iss'), issuer);
  const again = bidder.post('/api/consent', { interaction, decision: 'allow' });
  await assertRefused(again, 'interaction.gone');
});

for (const [what, change] of [
  ['prompt login', { prompt: 'login' }],
  ['max_age 0', { max_age: '0' }],
]) {
  test(`${what} wants the lock again, and then the sign-in counts`, async () => {
    const visitor = await signedIn(issuer, assistant, lock('company-a-primary'));
    await tool.code(visitor);
    const { verifier, challenge } = pkce();
    const answer = await tool.ask(visitor, { ...change, code_challenge: challenge });
    assert.equal(answer.location.pathname, '/sign-in');
    const interaction = answer.location.searchParams.get('interaction');
    assert.deepEqual(await visitor.post('/api/continue', { interaction }), { next: 'sign_in' });
    const began = Math.floor(Date.now() / 1000);
    const proof = await prove(visitor, assistant, lock('company-a-primary'), 'login', {
      interaction,
    });
    await visitor.post('/api/sign-in', { interaction, answer: proof });
    const { location } = await visitor.post('/api/continue', { interaction });
    const code = new URL(location).searchParams.get('code');
    const { id_token } = (await tool.redeem({ code, verifier })).json();
    assert.ok(decode(id_token).payload.auth_time >= began);
  });
}

test('a max_age that the sign-in keeps asks nothing', async () => {
  await tool.code(bidder);
  const answer = await tool.ask(bidder, { max_age: '3600' });
  assert.ok(answer.location.searchParams.get('code'));
});

test('signing in at the portal first and at a platform then asks for consent only', async () => {
  const party = new Party(own.issuer, await own.addClient({ client_id: 'second' }));
  const answer = await party.ask(ownBidder);
  assert.equal(answer.location.pathname, '/consent');
  const interaction = answer.location.searchParams.get('interaction');
  const told = await ownBidder.get(`/api/interaction?interaction=${interaction}`);
  assert.equal(told.needs, 'consent');
  const uscc = told.claims.find(({ name }) => name === 'uscc');
  assert.equal(uscc.value.zh, lock('company-c-primary').uscc);
});

// --- token -----------------------------------------------------------------------------------------

test('a code becomes an access token and an ID token', async () => {
  const answer = await platform.redeem(await platform.code(bidder));
  const tokens = answer.json();
  assert.equal(answer.status, 200);
  assert.deepEqual(Object.keys(tokens).sort(), [
    'access_token',
    'expires_in',
    'id_token',
    'scope',
    'token_type',
  ]);
  assert.equal(tokens.token_type, 'Bearer');
  assert.equal(tokens.expires_in, 600);
  assert.equal(tokens.scope, 'openid enterprise lock');
  assert.equal(answer.headers['cache-control'], 'no-store');
});

for (const [algorithm, party] of [
  ['ES256', platform],
  ['RS256', tool],
]) {
  test(`the ID token in ${algorithm} is verified by node's own cryptography`, async () => {
    const now = Math.floor(Date.now() / 1000);
    const { access_token, id_token } = await party.tokens(bidder, { nonce: 'n-0S6' });
    const { header, payload } = decode(id_token);
    assert.equal(header.alg, algorithm);
    assert.ok(signatureIsGood(id_token, await jwks()));
    assert.equal(payload.iss, issuer);
    assert.equal(payload.aud, party.client.client_id);
    assert.equal(payload.nonce, 'n-0S6');
    assert.equal(payload.exp - payload.iat, 300);
    assert.ok(Math.abs(payload.iat - now) <= 5);
    assert.ok(payload.auth_time <= payload.iat);
    assert.equal(payload.acr, 'urn:tamga:acr:lock');
    assert.deepEqual(payload.amr, ['hwk', 'pin']);
    assert.equal(payload.at_hash, sha256(access_token).subarray(0, 16).toString('base64url'));
  });

  test(`an ID token in ${algorithm} with one bit flipped anywhere is no longer good`, async () => {
    const { id_token } = await party.tokens(bidder);
    const keys = await jwks();
    for (const at of [0, 1, 2]) {
      const parts = id_token.split('.').map((text) => Buffer.from(text, 'base64url'));
      parts[at][parts[at].length - 2] ^= 1;
      const changed = parts.map((bytes) => bytes.toString('base64url')).join('.');
      const good = (() => {
        try {
          return signatureIsGood(changed, keys);
        } catch {
          return false; // not even JSON any more
        }
      })();
      assert.equal(good, false, `part ${at}`);
    }
  });
}

test('the ID token says nothing of the enterprise unless the claims parameter asks', async () => {
  const plain = decode((await tool.tokens(bidder)).id_token).payload;
  for (const name of ['name', 'uscc', 'lock', 'entity_types']) assert.ok(!(name in plain), name);
  const claims = JSON.stringify({ id_token: { uscc: null, name: { essential: true } } });
  const asked = decode((await tool.tokens(bidder, { claims })).id_token).payload;
  assert.equal(asked.uscc, lock('company-a-primary').uscc);
  assert.equal(asked.name, lock('company-a-primary').company);
  assert.ok(!('lock' in asked));
});

test('a code works once; a second use ends what the first one gave', async () => {
  const granted = await tool.code(bidder);
  const { access_token } = (await tool.redeem(granted)).json();
  assert.equal(await tool.isActive(access_token), true);
  assertError(await tool.redeem(granted), 400, 'invalid_grant');
  assert.equal(await tool.isActive(access_token), false);
});

test('of 64 parallel redemptions of one code exactly one succeeds', async () => {
  const granted = await tool.code(bidder);
  const answers = await Promise.all(Array.from({ length: 64 }, () => tool.redeem(granted)));
  const good = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal(good.length, 1);
  refused.forEach((answer) => assertError(answer, 400, 'invalid_grant'));
  assert.equal(await tool.isActive(good[0].json().access_token), false);
});

test('a code of one client is refused to another, and then to its owner too', async () => {
  const granted = await tool.code(bidder);
  const theft = await platform.redeem(granted, { redirect_uri: tool.client.redirect_uri });
  assertError(theft, 400, 'invalid_grant');
  assertError(await tool.redeem(granted), 400, 'invalid_grant');
});

test('tokens, interactions and made-up texts are not codes, and codes are not tokens', async () => {
  const { access_token } = await tool.tokens(bidder);
  const { code, verifier } = await tool.code(bidder);
  const asked = await tool.ask(bidder, { prompt: 'consent' });
  const interaction = asked.location.searchParams.get('interaction');
  for (const other of [access_token, interaction, random(), 'x', code.slice(1)]) {
    assertError(await tool.redeem({ code: other, verifier }), 400, 'invalid_grant');
  }
  assert.equal(await tool.isActive(code), false);
  assert.equal((await userinfo(code)).status, 401);
});

for (const [who, party] of [
  ['confidential', tool],
  ['public', open],
]) {
  const VERIFIERS = [
    ['no', () => undefined],
    ['an empty', () => ''],
    ['a wrong', () => random(32)],
    ['a short', () => 'a'.repeat(42)],
    ['the challenge as', (granted) => sha256(granted.verifier).toString('base64url')],
  ];
  for (const [which, make] of VERIFIERS) {
    test(`${which} code_verifier is refused to a ${who} client`, async () => {
      const granted = await party.code(bidder);
      const answer = await party.redeem(granted, { code_verifier: make(granted) });
      assertError(answer, 400, 'invalid_grant');
    });
  }

  test(`the right code_verifier is good for a ${who} client`, async () => {
    assert.equal((await party.redeem(await party.code(bidder))).status, 200);
  });
}

test('the redirect URI has to be there again, and the same', async () => {
  const missing = await tool.redeem(await tool.code(bidder), { redirect_uri: undefined });
  assertError(missing, 400, 'invalid_request');
  const { redirect_uri } = platform.client;
  assertError(await tool.redeem(await tool.code(bidder), { redirect_uri }), 400, 'invalid_grant');
});

test('other grant types, those of other clients, and none, are refused', async () => {
  for (const grant_type of ['password', 'implicit']) {
    const answer = await tool.redeem({ code: 'x', verifier: 'x' }, { grant_type });
    assertError(answer, 400, 'unsupported_grant_type');
  }
  for (const grant_type of ['refresh_token', 'client_credentials']) {
    const answer = await platform.redeem({ code: 'x', verifier: 'x' }, { grant_type });
    assertError(answer, 400, 'unauthorized_client');
  }
  const none = await tool.redeem({ code: 'x', verifier: 'x' }, { grant_type: undefined });
  assertError(none, 400, 'invalid_request');
});

test('a parameter that stands twice is refused by every endpoint that takes forms', async () => {
  const headers = { Authorization: tool.basic() };
  const twice = (fields) => new URLSearchParams([...fields, ...fields]);
  const at = (path, name) => postForm(`${issuer}${path}`, twice([[name, 'x']]), headers);
  assertError(await at('/oauth2/token', 'grant_type'), 400, 'invalid_request');
  assertError(await at('/oauth2/introspect', 'token'), 400, 'invalid_request');
  assertError(await at('/oauth2/revoke', 'token'), 400, 'invalid_request');
  const answer = await postForm(`${issuer}/oauth2/userinfo`, twice([['access_token', 'x']]));
  assertError(answer, 400, 'invalid_request');
});

// --- client authentication -------------------------------------------------------------------------

const basicOf = (text) => `Basic ${Buffer.from(text).toString('base64')}`;
const { client_id: toolId, client_secret: toolSecret } = demo.tool_client;
const HEADERS = [
  ['a wrong secret', basicOf(`${toolId}:wrong`)],
  ['an empty secret', basicOf(`${toolId}:`)],
  ['no colon', basicOf(toolId)],
  ['an unknown client', basicOf('nobody:secret')],
  ['an empty client', basicOf(`:${toolSecret}`)],
  ['nothing behind Basic', 'Basic'],
  ['only spaces behind Basic', 'Basic    '],
  ['text that is not base64', 'Basic ***'],
  [
    'base64url instead of base64',
    `Basic ${Buffer.from('\u00ff\u00fe:x', 'latin1').toString('base64url')}`,
  ],
  ['a NUL in the secret', basicOf(`${toolId}:${toolSecret}\0x`)],
  ['an ampersand in the id', basicOf(`${toolId}&client_id=x:${toolSecret}`)],
  ['a broken escape', basicOf(`${toolId}:%zz`)],
  ['another scheme', `Bearer ${toolSecret}`],
  ['a secret of another client', basicOf(`${toolId}:${platform.client.client_secret}`)],
  ['a very long secret', basicOf(`${toolId}:${'x'.repeat(1500)}`)],
];

for (const [what, Authorization] of HEADERS) {
  test(`client authentication with ${what} is a 401 that names its scheme`, async () => {
    const answer = await tool.introspect('x', { Authorization });
    assertError(answer, 401, 'invalid_client');
    assert.match(answer.headers['www-authenticate'], /^Basic /);
  });
}

test('a client may use only the method that it is registered with', async () => {
  const inBody = { client_id: toolId, client_secret: toolSecret };
  const post = await tool.redeem({ code: 'x', verifier: 'x' }, inBody, {
    Authorization: undefined,
  });
  assertError(post, 401, 'invalid_client');
  const both = await tool.redeem({ code: 'x', verifier: 'x' }, inBody);
  assertError(both, 401, 'invalid_client');
  const none = { client_id: toolId };
  const without = { Authorization: undefined };
  const unproved = await tool.redeem({ code: 'x', verifier: 'x' }, none, without);
  assertError(unproved, 401, 'invalid_client');
  const withSecret = { client_id: open.client.client_id, client_secret: 'made up' };
  const pretended = await open.redeem({ code: 'x', verifier: 'x' }, withSecret);
  assertError(pretended, 401, 'invalid_client');
});

test('client_secret_post works for a client that is registered with it', async () => {
  const client = await own.addClient({
    client_id: 'posting',
    token_endpoint_auth_method: 'client_secret_post',
  });
  const party = new Party(own.issuer, client);
  const { client_id, client_secret } = client;
  const inBody = { client_id, client_secret };
  const without = { Authorization: undefined };
  const answer = await party.redeem(await party.code(ownBidder), inBody, without);
  assert.equal(answer.status, 200, answer.text);
  const wrong = { ...inBody, client_secret: 'wrong' };
  assertError(await party.redeem({ code: 'x' }, wrong, without), 401, 'invalid_client');
});

test('credentials in the address, where logs would keep them, are refused', async () => {
  const query = new URLSearchParams({ client_id: toolId, client_secret: toolSecret });
  const answer = await postForm(`${issuer}/oauth2/introspect?${query}`, { token: 'x' });
  assertError(answer, 400, 'invalid_request');
});

// --- userinfo and introspection --------------------------------------------------------------------

test('userinfo names the enterprise, its types, its city and its lock', async () => {
  const { access_token, id_token } = await platform.tokens(bidder);
  const told = (await userinfo(access_token)).json();
  const { uscc, company } = lock('company-a-primary');
  assert.equal(told.sub, decode(id_token).payload.sub);
  assert.equal(told.uscc, uscc);
  assert.equal(told.name, company);
  assert.equal(told.region, 'hohhot');
  assert.deepEqual(told.entity_types, ['tenderer', 'bidder']);
  assert.equal(told.lock.issuer, 'aobao-rsa');
  assert.match(told.lock.serial, /^[0-9A-Fa-f:]+$/);
  assert.ok(told.lock.not_after > Date.now() / 1000);
  for (const name of ['email', 'phone_number', 'address']) assert.ok(!(name in told), name);
});

test('userinfo tells contact data only for their scopes or the claims parameter', async () => {
  const scope = 'openid email phone address';
  const told = (await userinfo((await tool.tokens(bidder, { scope })).access_token)).json();
  assert.equal(told.email, 'company-a-primary@example.com');
  assert.equal(told.email_verified, false);
  assert.equal(told.phone_number, '0471-0000000');
  assert.match(told.address.formatted, /呼和浩特市/);
  assert.ok(!('uscc' in told));
  const claims = JSON.stringify({ userinfo: { email: null } });
  const asked = await tool.tokens(bidder, { scope: 'openid', claims });
  const more = (await userinfo(asked.access_token)).json();
  assert.deepEqual(Object.keys(more).sort(), ['email', 'email_verified', 'sub']);
});

test('an unknown scope is dropped and not granted', async () => {
  const { scope } = await tool.tokens(bidder, {
    scope: 'openid profile offline_access enterprise',
  });
  assert.equal(scope, 'openid enterprise');
});

test('userinfo takes the token by header or by form, never in the address', async () => {
  const { access_token } = await tool.tokens(bidder);
  assert.equal((await userinfo(access_token)).status, 200);
  assert.equal((await userinfo(access_token, { method: 'POST' })).status, 200);
  const form = await postForm(`${issuer}/oauth2/userinfo`, { access_token });
  assert.equal(form.status, 200);
  const address = await request(`${issuer}/oauth2/userinfo?access_token=${access_token}`);
  assertError(address, 400, 'invalid_request');
  const both = await postForm(
    `${issuer}/oauth2/userinfo`,
    { access_token },
    { Authorization: `Bearer ${access_token}` },
  );
  assertError(both, 400, 'invalid_request');
});

test('userinfo tells a wrong token and no token apart, as RFC 6750 does', async () => {
  const wrong = await userinfo(random(48));
  assertError(wrong, 401, 'invalid_token');
  assert.match(wrong.headers['www-authenticate'], /^Bearer .*error="invalid_token"/);
  const none = await request(`${issuer}/oauth2/userinfo`);
  assert.equal(none.status, 401);
  assert.match(none.headers['www-authenticate'], /^Bearer /);
  assert.ok(!none.headers['www-authenticate'].includes('error='));
});

test('every character of an access token counts', async () => {
  const { access_token } = await tool.tokens(bidder);
  for (let i = 0; i < access_token.length; i += 7) {
    const other = access_token[i] === 'A' ? 'B' : 'A';
    const changed = `${access_token.slice(0, i)}${other}${access_token.slice(i + 1)}`;
    assert.equal(await tool.isActive(changed), false, `character ${i}`);
  }
  for (const changed of [`${access_token}A`, access_token.slice(0, -1), `${access_token}=`]) {
    assert.equal(await tool.isActive(changed), false);
  }
});

test('introspection describes a good token to the client that holds it', async () => {
  const { access_token, id_token } = await tool.tokens(bidder);
  const told = (await tool.introspect(access_token)).json();
  const { sub, auth_time } = decode(id_token).payload;
  assert.equal(told.active, true);
  assert.equal(told.iss, issuer);
  assert.equal(told.client_id, toolId);
  assert.equal(told.sub, sub);
  assert.equal(told.auth_time, auth_time);
  assert.equal(told.scope, 'openid enterprise lock');
  assert.equal(told.exp - told.iat, 600);
});

test('introspection tells a stranger nothing but that the token is not active', async () => {
  const { access_token } = await tool.tokens(bidder);
  for (const [party, token] of [
    [platform, access_token],
    [tool, random(48)],
    [tool, 'x'],
  ]) {
    const answer = await party.introspect(token);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"active":false}');
  }
});

test('introspection is not for public clients, nor for nobody', async () => {
  const client_id = open.client.client_id;
  const answer = await postForm(`${issuer}/oauth2/introspect`, { token: 'x', client_id });
  assertError(answer, 401, 'invalid_client');
  assertError(await tool.introspect('x', {}), 401, 'invalid_client');
});

// --- the subject -----------------------------------------------------------------------------------

const subjectOf = async (visitor, party = tool) =>
  decode((await party.tokens(visitor)).id_token).payload.sub;

test('the subject is the same at every client and differs from company to company', async () => {
  const other = await signedIn(issuer, assistant, lock('company-c-primary'));
  assert.equal(await subjectOf(bidder), await subjectOf(bidder, platform));
  assert.notEqual(await subjectOf(bidder), await subjectOf(other));
});

test('the subject survives a renewed certificate with the same key', async () => {
  const renewed = await signedIn(issuer, assistant, lock('company-a-renewed'));
  assert.equal(await subjectOf(renewed), await subjectOf(bidder));
});

test('the subject survives a new key with the same key number, which ends the old key', async () => {
  await own.bind(assistant, [lock('company-b-primary')]);
  const party = new Party(own.issuer, await own.addClient({ client_id: 'renewal' }));
  const before = await signedIn(own.issuer, assistant, lock('company-b-primary'));
  const subject = await subjectOf(before, party);
  const renewed = await signedIn(own.issuer, assistant, lock('company-b-renewed'));
  assert.equal(await subjectOf(renewed, party), subject);
  const replaced = signedIn(own.issuer, assistant, lock('company-b-primary'));
  await assertRefused(replaced, 'lock.uscc_has_lock');
});

// --- what ends a token -----------------------------------------------------------------------------

test('signing out ends the session, its tokens and its codes', async () => {
  const visitor = await signedIn(issuer, assistant, lock('company-a-primary'));
  const first = await tool.tokens(visitor);
  const second = await platform.tokens(visitor);
  const granted = await tool.code(visitor);
  const cookie = visitor.cookieHeader();
  await visitor.post('/api/sign-out');
  assert.equal(await tool.isActive(first.access_token), false);
  assert.equal(await platform.isActive(second.access_token), false);
  assert.equal((await userinfo(first.access_token)).status, 401);
  assertError(await tool.redeem(granted), 400, 'invalid_grant');
  const old = await request(`${issuer}/api/session`, { headers: { Cookie: cookie } });
  assert.equal(old.json().signed_in, false);
});

test("signing out leaves the tokens of the company's other sessions alone", async () => {
  const one = await signedIn(issuer, assistant, lock('company-a-primary'));
  const two = await signedIn(issuer, assistant, lock('company-a-primary'));
  const { access_token } = await tool.tokens(two);
  await one.post('/api/sign-out');
  assert.equal(await tool.isActive(access_token), true);
});

test('a suspended client loses its tokens, its codes and its door at once', async () => {
  const party = new Party(own.issuer, await own.addClient({ client_id: 'suspended' }));
  const other = new Party(own.issuer, await own.addClient({ client_id: 'bystander' }));
  const { access_token } = await party.tokens(ownBidder);
  const kept = await other.tokens(ownBidder);
  const granted = await party.code(ownBidder);
  await own.client(['suspend', 'suspended']);
  assertPage(await party.ask(ownBidder), 403, 'client.not_active');
  assertError(await party.redeem(granted), 401, 'invalid_client');
  assertError(await party.introspect(access_token), 401, 'invalid_client');
  const asked = await request(`${own.issuer}/oauth2/userinfo`, {
    headers: { Authorization: `Bearer ${access_token}` },
  });
  assertError(asked, 401, 'invalid_token');
  assert.equal(await other.isActive(kept.access_token), true);
  await own.client(['resume', 'suspended']);
  assert.equal((await party.redeem(await party.code(ownBidder))).status, 200);
});

test('a rotated secret counts at once and the old one no longer', async () => {
  const client = await own.addClient({ client_id: 'rotated' });
  const { client_secret } = await own.client(['rotate-secret', 'rotated']);
  assertError(await new Party(own.issuer, client).introspect('x'), 401, 'invalid_client');
  const renewed = new Party(own.issuer, { ...client, client_secret });
  assert.equal((await renewed.introspect('x')).status, 200);
});

// --- sessions and the portal's calls ---------------------------------------------------------------

test('the cookie is __Host-, Secure, HttpOnly, SameSite=Lax and for this host alone', async () => {
  const { headers } = await request(`${issuer}/api/session`);
  const [line, ...others] = headers['set-cookie'];
  assert.equal(others.length, 0);
  const [pair, ...attributes] = line.split('; ');
  assert.match(pair, /^__Host-tamga=[\w.-]+$/);
  assert.deepEqual(attributes.sort(), ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
});

test('signing in gives the session a new id and the page a new token', async () => {
  const visitor = await newVisitor(issuer);
  const [cookie, token] = [visitor.cookieHeader(), visitor.token];
  const answer = await prove(visitor, assistant, lock('company-a-primary'), 'login');
  await visitor.post('/api/sign-in', { answer });
  assert.notEqual(visitor.cookieHeader(), cookie);
  assert.notEqual(visitor.token, token);
  const before = await request(`${issuer}/api/session`, { headers: { Cookie: cookie } });
  assert.equal(before.json().signed_in, false);
});

test("of two cookies of the session's name neither is believed", async () => {
  const planted = `__Host-tamga=v${random(40)}; ${bidder.cookieHeader()}`;
  const answer = await request(`${issuer}/api/session`, { headers: { Cookie: planted } });
  assert.equal(answer.json().signed_in, false);
});

const POSTS = [
  ['/api/challenge', { purpose: 'login' }],
  ['/api/certificate', { certificate: 'AAAA' }],
  ['/api/sign-in', { answer: {} }],
  ['/api/continue', { interaction: 'x' }],
  ['/api/consent', { interaction: 'x', decision: 'allow' }],
  ['/api/launch', { client: 'construction' }],
  ['/api/bind/read', { answer: {} }],
  ['/api/bind/confirm', { city: 'hohhot' }],
  ['/api/sign-out', {}],
];

for (const [path, body] of POSTS) {
  test(`${path} wants the provider's own Origin, JSON and the session's token`, async () => {
    const refusals = [
      ['request.origin', { Origin: undefined }],
      ['request.origin', { Origin: 'null' }],
      ['request.origin', { Origin: 'http://evil.example' }],
      ['request.origin', { Origin: `${issuer}.evil.example` }],
      ['request.origin', { Origin: `${issuer}/` }],
      ['request.shape', { 'Content-Type': 'text/plain' }],
      ['request.shape', { 'Content-Type': 'application/x-www-form-urlencoded' }],
      ['request.token', { 'X-Tamga-Token': undefined }],
      ['request.token', { 'X-Tamga-Token': '' }],
      ['request.token', { 'X-Tamga-Token': (await newVisitor(issuer)).token }],
    ];
    for (const [code, headers] of refusals) {
      const answer = await bidder.raw(path, body, headers);
      assert.ok(answer.status >= 400 && answer.status < 500, `${code}: ${answer.status}`);
      assert.equal(answer.json().error.code, code, JSON.stringify(headers));
    }
    assert.equal((await bidder.open()).signed_in, true);
  });
}

test('a body that is no JSON object of the known keys is refused by its shape', async () => {
  const bodies = ['', '{', '[]', 'null', '{"purpose":"login","purpose":"login"}', '{"purpose":1}'];
  const others = ['{"purpose":"login"} x', '{"purpose":"login","extra":1}', '{"purpose":"other"}'];
  for (const body of [...bodies, ...others]) {
    const answer = await bidder.raw('/api/challenge', body);
    assert.equal(answer.status, 400, body);
    assert.equal(answer.json().error.code, 'request.shape', body);
  }
});

test("every refusal is told in both languages with its next step and the request's number", async () => {
  const { error } = (
    await bidder.raw('/api/consent', { interaction: 'x', decision: 'allow' })
  ).json();
  assert.equal(error.code, 'interaction.gone');
  assert.match(error.message.zh, /\p{Script=Han}/u);
  assert.match(error.next.zh, /\p{Script=Han}/u);
  assert.match(error.message.en, /^[\x20-\x7e]+$/);
  assert.match(error.next.en, /^[\x20-\x7e]+$/);
  assert.ok(error.request.length > 4);
});

test('consent, launch and continue are for those who are signed in', async () => {
  const visitor = await newVisitor(issuer);
  const consent = visitor.post('/api/consent', { interaction: 'x', decision: 'allow' });
  await assertRefused(consent, 'session.gone');
  await assertRefused(visitor.post('/api/launch', { client: 'construction' }), 'session.gone');
  await assertRefused(visitor.post('/api/continue', { interaction: 'x' }), 'session.gone');
});

test('a platform that has not joined or does not exist cannot be launched', async () => {
  await assertRefused(bidder.post('/api/launch', { client: 'erenhot' }), 'platform.not_joined');
  await assertRefused(bidder.post('/api/launch', { client: 'nowhere' }), 'platform.unknown');
  await assertRefused(bidder.post('/api/launch', { client: toolId }), 'platform.not_joined');
});

test("a launch leads to the platform's own door with the issuer, and asks consent anew", async () => {
  const visitor = await signedIn(issuer, assistant, lock('company-a-primary'));
  await platform.code(visitor);
  const { location } = await visitor.post('/api/launch', { client: platform.client.client_id });
  const url = new URL(location);
  assert.equal(`${url.origin}/`, platformOf('construction').home);
  assert.equal(url.searchParams.get('iss'), issuer);
  assert.equal((await platform.ask(visitor)).location.pathname, '/consent');
  assert.ok((await platform.ask(visitor)).location.searchParams.get('code'), 'once only');
});

// --- all routes --------------------------------------------------------------------------------------

const ANSWERS = [
  '/.well-known/openid-configuration',
  '/oauth2/jwks',
  '/oauth2/authorize',
  '/oauth2/userinfo',
  '/api/session',
  '/api/platforms',
  '/api/interaction?interaction=x',
  '/api/bind/choices',
  '/api/help',
  '/api/download',
  '/download/nothing.deb',
  ...['/', '/sign-in', '/certificate', '/platforms', '/consent', '/bind', '/help', '/download'],
  '/no-such-page',
  '/oauth2/nothing',
];

for (const path of ANSWERS) {
  test(`GET ${path} carries the security headers of its kind`, async () => {
    const { headers } = await request(`${issuer}${path}`);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    const html = headers['content-type']?.startsWith('text/html');
    if (!html) return assert.match(headers['content-type'] ?? '', /^application\/json/);
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    const policy = headers['content-security-policy'];
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.ok(!policy.includes('unsafe'));
    assert.ok(policy.includes(`connect-src 'self' ${assistant.address};`));
    return undefined;
  });
}

test('no answer of the portal and no token is stored by caches', async () => {
  for (const path of ['/api/session', '/api/help', '/oauth2/userinfo', '/sign-in']) {
    const { headers } = await request(`${issuer}${path}`);
    assert.match(headers['cache-control'], /no-store|no-cache/, path);
  }
});

test('a method that a route does not take is told as JSON', async () => {
  for (const [method, path] of [
    ['GET', '/oauth2/token'],
    ['PUT', '/oauth2/jwks'],
    ['DELETE', '/api/session'],
    ['GET', '/api/sign-in'],
  ]) {
    const answer = await request(`${issuer}${path}`, { method });
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.match(answer.headers['content-type'], /^application\/json/);
  }
});

test('a body that is too large is refused as JSON', async () => {
  const answer = await postForm(`${issuer}/oauth2/token`, { code: 'x'.repeat(200_000) });
  assert.equal(answer.status, 413);
  assert.match(answer.headers['content-type'], /^application\/json/);
});

// --- limits ------------------------------------------------------------------------------------------

test('who asks too often is told so, and others at the same address are not slowed', async () => {
  const few = 3;
  const change = (settings) => {
    for (const name of Object.keys(settings.rate_limits)) settings.rate_limits[name] = few;
  };
  const limited = await (await Provider.make(demo, { change })).start();
  try {
    const client = await limited.addClient({ client_id: 'busy' });
    const party = new Party(limited.issuer, client);
    const visitor = await newVisitor(limited.issuer);
    // A minute may turn in between: twice the limit and one more are enough in any case.
    const often = async (ask) => {
      const answers = [];
      for (let i = 0; i < 2 * few + 1; i++) answers.push(await ask());
      return answers.filter(({ status }) => status === 429);
    };
    const asked = await often(() => party.ask(visitor));
    assert.ok(asked.length > 0 && asked[0].text.includes('rate.limited'));
    const challenges = await often(() => visitor.raw('/api/challenge', { purpose: 'login' }));
    assert.equal(challenges[0]?.json().error.code, 'rate.limited');
    assert.equal(challenges[0].headers['retry-after'], '60');
    const answers = await often(() => visitor.raw('/api/sign-in', { answer: {} }));
    assert.equal(answers[0]?.json().error.code, 'rate.limited');
    const wrong = { Authorization: basicOf('busy:wrong') };
    const failures = await often(() => party.introspect('x', wrong));
    assert.equal(failures[0]?.json().error, 'temporarily_unavailable');
    const calm = new Party(limited.issuer, await limited.addClient({ client_id: 'calm' }));
    assert.equal((await calm.introspect('x')).status, 200);
  } finally {
    assert.equal(await limited.close(), 0);
  }
});

// --- nothing is forgotten ----------------------------------------------------------------------------

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(`a provider ended by ${signal} keeps bindings, clients, consents, tokens and keys`, async () => {
    const house = await (await Provider.make(demo, { address: '127.0.0.3' })).start();
    try {
      await house.bind(assistant, [lock('company-c-primary')]);
      const party = new Party(house.issuer, await house.addClient({ client_id: 'kept' }));
      const visitor = await signedIn(house.issuer, assistant, lock('company-c-primary'));
      const first = await party.tokens(visitor);
      const granted = await party.code(visitor);
      await party.redeem(granted);
      const keys = await jwks(house.issuer);
      await house.restart(signal);

      assert.deepEqual(await jwks(house.issuer), keys);
      assert.equal(await party.isActive(first.access_token), true);
      assertError(await party.redeem(granted), 400, 'invalid_grant');
      // With embedded stores a browser stays signed in over a clean restart, and only over that.
      const still = await party.ask(visitor, { prompt: 'none' });
      assert.equal(still.location.searchParams.has('code'), signal === 'SIGTERM');
      const again = await signedIn(house.issuer, assistant, lock('company-c-primary'));
      const answer = await party.ask(again, { prompt: 'none' });
      assert.ok(answer.location.searchParams.get('code'), 'consent is remembered');
      const { sub } = decode((await party.tokens(again)).id_token).payload;
      assert.equal(sub, decode(first.id_token).payload.sub);
    } finally {
      await house.close();
    }
  });
}

test('the provider stops in order when it is asked to', async () => {
  const house = await (await Provider.make(demo, { address: '127.0.0.3' })).start();
  await signIn(house.issuer, assistant, lock('company-c-primary')).catch(() => {});
  assert.equal(await house.close(), 0);
  assert.match(house.log(), /"stopping"/);
});
