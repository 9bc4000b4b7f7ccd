// openid-client, a certified relying-party library that knows nothing of this project, does the
// whole code flow with clients of every kind.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { errors, generators, Issuer } from 'openid-client';
import { signedIn } from './lib/party.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const lock = lockOf(demo, 'company-a-primary');
const platform = demo.platforms.find(({ id }) => id === 'engineering');

let provider;
let bidder;

before(async () => {
  provider = await Issuer.discover(demo.issuer);
  bidder = await signedIn(demo.issuer, demo.assistant, lock);
});

const KINDS = {
  'confidential with RS256': {
    ...demo.tool_client,
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'RS256',
  },
  'confidential with ES256': {
    ...platform,
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
  },
  'public with ES256': {
    ...demo.public_client,
    token_endpoint_auth_method: 'none',
    id_token_signed_response_alg: 'ES256',
  },
};

function clientOf(kind) {
  const { client_id, client_secret, redirect_uri, ...rest } = KINDS[kind];
  return new provider.Client({
    client_id,
    client_secret,
    redirect_uris: [redirect_uri],
    response_types: ['code'],
    token_endpoint_auth_method: rest.token_endpoint_auth_method,
    id_token_signed_response_alg: rest.id_token_signed_response_alg,
  });
}

// Sends the bidder through the provider: where the client's callback was called, and the checks.
async function authorize(client, more = {}) {
  const checks = {
    state: generators.state(),
    nonce: generators.nonce(),
    code_verifier: generators.codeVerifier(),
    response_type: 'code',
  };
  const address = client.authorizationUrl({
    scope: 'openid enterprise lock',
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: generators.codeChallenge(checks.code_verifier),
    code_challenge_method: 'S256',
    ...more,
  });
  const answer = await bidder.visit(address);
  const interaction = answer.location.searchParams.get('interaction');
  if (!interaction) return { back: answer.location.href, checks };
  const decided = await bidder.post('/api/consent', { interaction, decision: 'allow' });
  return { back: decided.location, checks };
}

async function tokensOf(client, more) {
  const { back, checks } = await authorize(client, more);
  const [redirect] = client.metadata.redirect_uris;
  return client.callback(redirect, client.callbackParams(back), checks);
}

for (const kind of Object.keys(KINDS)) {
  test(`a client that is ${kind} signs a company in and learns who it is`, async () => {
    const client = clientOf(kind);
    const tokens = await tokensOf(client);
    const claims = tokens.claims();
    assert.equal(claims.iss, demo.issuer);
    assert.equal(claims.aud, client.metadata.client_id);
    assert.equal(claims.acr, 'urn:tamga:acr:lock');
    assert.equal(tokens.token_type, 'Bearer');
    const who = await client.userinfo(tokens);
    assert.equal(who.sub, claims.sub);
    assert.equal(who.uscc, lock.uscc);
    assert.equal(who.name, lock.company);
    assert.equal(who.lock.issuer, lock.authority);
  });

  test(`a client that is ${kind} notices a wrong state, nonce, issuer and verifier`, async () => {
    const client = clientOf(kind);
    const [redirect] = client.metadata.redirect_uris;
    const with_ = async (change, inAddress = (back) => back) => {
      const { back, checks } = await authorize(client);
      const parameters = client.callbackParams(inAddress(back));
      return client.callback(redirect, parameters, { ...checks, ...change });
    };
    await assert.rejects(with_({ state: 'another' }), /state mismatch/);
    await assert.rejects(with_({ nonce: 'another' }), /nonce mismatch/);
    const strange = (back) => back.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fevil.example');
    await assert.rejects(with_({}, strange), /iss mismatch/);
    const wrong = { code_verifier: generators.codeVerifier() };
    await assert.rejects(with_(wrong), ({ error }) => error === 'invalid_grant');
  });
}

test('introspection tells a confidential client of its own token', async () => {
  const client = clientOf('confidential with RS256');
  const { access_token } = await tokensOf(client);
  const told = await client.introspect(access_token);
  assert.equal(told.active, true);
  assert.equal(told.client_id, client.metadata.client_id);
  const other = await clientOf('confidential with ES256').introspect(access_token);
  assert.deepEqual(other, { active: false });
});

test('max_age and the claims parameter come through', async () => {
  const client = clientOf('confidential with RS256');
  const claims = JSON.stringify({ id_token: { uscc: { essential: true } } });
  const { back, checks } = await authorize(client, { max_age: 3600, claims });
  const [redirect] = client.metadata.redirect_uris;
  const parameters = client.callbackParams(back);
  const tokens = await client.callback(redirect, parameters, { ...checks, max_age: 3600 });
  assert.equal(tokens.claims().uscc, lock.uscc);
});

test('what the provider refuses reaches the library as an error of the protocol', async () => {
  const client = clientOf('confidential with RS256');
  const { back, checks } = await authorize(client, { prompt: 'none', scope: 'openid phone' });
  const [redirect] = client.metadata.redirect_uris;
  await assert.rejects(client.callback(redirect, client.callbackParams(back), checks), (error) => {
    assert.ok(error instanceof errors.OPError);
    assert.equal(error.error, 'consent_required');
    return true;
  });
});

test('a client with another secret is told invalid_client', async () => {
  const client = clientOf('confidential with RS256');
  const stranger = new provider.Client({ ...client.metadata, client_secret: 'another' });
  await assert.rejects(stranger.introspect('x'), ({ error }) => error === 'invalid_client');
});

for (const kind of ['confidential with RS256', 'public with ES256']) {
  test(`a client that is ${kind} refreshes, narrows and gives back its tokens`, async () => {
    const client = clientOf(kind);
    const scope = 'openid enterprise offline_access';
    const first = await tokensOf(client, { scope, prompt: 'consent' });
    const second = await client.refresh(first); // compares iss, sub, aud, auth_time, azp and at_hash
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal(second.claims().auth_time, first.claims().auth_time);
    assert.equal(second.claims().nonce, undefined);
    const extras = { exchangeBody: { scope: 'openid' } };
    const third = await client.refresh(second, extras);
    assert.equal(third.scope, 'openid');
    assert.equal((await client.userinfo(third)).uscc, undefined);
    const fourth = await client.refresh(third);
    assert.equal((await client.userinfo(fourth)).uscc, lock.uscc);
    await client.revoke(fourth.refresh_token, 'refresh_token');
    await assert.rejects(client.refresh(fourth), ({ error }) => error === 'invalid_grant');
    await assert.rejects(client.userinfo(fourth), ({ error }) => error === 'invalid_token');
  });
}

test('a refresh token is introspected by its own client', async () => {
  const client = clientOf('confidential with RS256');
  const scope = 'openid offline_access';
  const { refresh_token } = await tokensOf(client, { scope, prompt: 'consent' });
  const told = await client.introspect(refresh_token, 'refresh_token');
  assert.equal(told.active, true);
  assert.ok(told.exp > Date.now() / 1000 + 29 * 86400);
  await client.revoke(refresh_token);
  assert.deepEqual(await client.introspect(refresh_token), { active: false });
});

test('a confidential client gets tokens in its own name', async () => {
  const client = clientOf('confidential with RS256');
  const tokens = await client.grant({ grant_type: 'client_credentials', scope: 'service' });
  assert.equal(tokens.refresh_token, undefined);
  const told = await client.introspect(tokens.access_token);
  assert.deepEqual([told.active, told.sub], [true, client.metadata.client_id]);
  await assert.rejects(client.userinfo(tokens), ({ error }) => error === 'insufficient_scope');
  const asked = client.grant({ grant_type: 'client_credentials', scope: 'openid' });
  await assert.rejects(asked, ({ error }) => error === 'invalid_scope');
  const other = clientOf('confidential with ES256').grant({ grant_type: 'client_credentials' });
  await assert.rejects(other, ({ error }) => error === 'unauthorized_client');
});
