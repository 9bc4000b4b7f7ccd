// A relying party by hand: requests are put together here, so that they can also be wrong.
import { createHash, randomBytes } from 'node:crypto';
import { answerWith } from '../../demo/bind.mjs';
import { postForm, request, Visitor } from './http.mjs';

export const random = (bytes = 24) => randomBytes(bytes).toString('base64url');
export const sha256 = (text) => createHash('sha256').update(text).digest();

export function pkce() {
  const verifier = random(32);
  return { verifier, challenge: sha256(verifier).toString('base64url') };
}

// A visitor of the provider whose session is open.
export async function newVisitor(issuer) {
  const visitor = new Visitor(issuer);
  await visitor.open();
  return visitor;
}

// A visitor who is signed in with the lock; assistant: as in demo.json.
export async function signedIn(issuer, assistant, lock) {
  const visitor = await newVisitor(issuer);
  const { challenge } = await visitor.post('/api/challenge', { purpose: 'login' });
  const answer = await answerWith(assistant, { origin: issuer, challenge, lock });
  await visitor.post('/api/sign-in', { answer });
  return visitor;
}

export class Party {
  // client: {client_id, client_secret?, redirect_uri}
  constructor(issuer, client) {
    this.issuer = issuer;
    this.client = client;
  }

  // The address of a good request; `change` replaces parameters, undefined leaves one out.
  address(change = {}) {
    const parameters = {
      client_id: this.client.client_id,
      redirect_uri: this.client.redirect_uri,
      response_type: 'code',
      scope: 'openid enterprise lock',
      state: 'a state',
      nonce: 'a nonce',
      code_challenge_method: 'S256',
      ...change,
    };
    const sent = Object.entries(parameters).filter(([, value]) => value !== undefined);
    return `${this.issuer}/oauth2/authorize?${new URLSearchParams(sent)}`;
  }

  // Sends a visitor there: the raw answer.
  ask(visitor, change = {}) {
    return visitor.visit(this.address({ code_challenge: pkce().challenge, ...change }));
  }

  // A code for a visitor who is signed in, agreed to where that is asked: {code, verifier, back},
  // back being the address the visitor was sent to.
  async code(visitor, change = {}) {
    const { verifier, challenge } = pkce();
    const answer = await visitor.visit(this.address({ code_challenge: challenge, ...change }));
    const interaction = answer.location?.searchParams.get('interaction');
    let back = answer.location;
    if (interaction) {
      const decided = await visitor.post('/api/consent', { interaction, decision: 'allow' });
      back = new URL(decided.location);
    }
    const code = back?.searchParams.get('code');
    if (!code) throw new Error(`no code: ${answer.status} ${back ?? answer.text}`);
    return { code, verifier, back };
  }

  basic() {
    const { client_id: id, client_secret: secret } = this.client;
    const text = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
    return `Basic ${Buffer.from(text).toString('base64')}`;
  }

  // The token request as registered (Basic, or none); `change` as above.
  redeem({ code, verifier }, change = {}, headers = {}) {
    const own = this.client.client_secret
      ? { Authorization: this.basic() }
      : { client_id: this.client.client_id };
    const { Authorization, ...inBody } = own;
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.client.redirect_uri,
      code_verifier: verifier,
      ...inBody,
      ...change,
    };
    const sent = Object.entries(fields).filter(([, value]) => value !== undefined);
    const authorization = Authorization ? { Authorization } : {};
    const all = Object.entries({ ...authorization, ...headers });
    const kept = Object.fromEntries(all.filter(([, value]) => value !== undefined));
    return postForm(`${this.issuer}/oauth2/token`, sent, kept);
  }

  // The tokens of a visitor who is signed in.
  async tokens(visitor, change = {}) {
    const answer = await this.redeem(await this.code(visitor, change));
    if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${answer.text}`);
    return answer.json();
  }

  // A form of this client's own to an endpoint.
  send(endpoint, fields) {
    const { client_id, client_secret } = this.client;
    const own = client_secret ? {} : { client_id };
    const headers = client_secret ? { Authorization: this.basic() } : {};
    return postForm(`${this.issuer}/oauth2/${endpoint}`, { ...own, ...fields }, headers);
  }

  refresh(token, more = {}) {
    return this.send('token', { grant_type: 'refresh_token', refresh_token: token, ...more });
  }

  revoke(token) {
    return this.send('revoke', { token });
  }

  userinfo(token) {
    const headers = { Authorization: `Bearer ${token}` };
    return request(`${this.issuer}/oauth2/userinfo`, { headers });
  }

  introspect(token, headers = { Authorization: this.basic() }) {
    return postForm(`${this.issuer}/oauth2/introspect`, { token }, headers);
  }

  async isActive(token) {
    return (await this.introspect(token)).json().active;
  }
}
