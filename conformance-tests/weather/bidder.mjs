// A bidder with a browser, and the platform it goes to, as one: signs in, agrees, gets its rights,
// uses, renews and gives them back, and writes down every answer that promises something.
import { createHash, randomBytes } from 'node:crypto';
import { answerOf } from '../lib/lock-answer.mjs';
import { form, Lost, saysLater } from './wire.mjs';

const PAUSE_MS = 50;
const GIVE_UP_MS = 60e3; // after so long without a good answer somebody was left alone
const GRACE_MS = 9e3; // a refresh token may be repeated for ten seconds
const SCOPE = 'openid enterprise offline_access';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sha256 = (text) => createHash('sha256').update(text).digest('base64url');

class Over extends Error {} // the load was stopped

export class Bidder {
  // world: {issuer, wire, ledger, clients, stopped()}; lock: of keys/locks.json with its files.
  constructor(world, lock, number) {
    Object.assign(this, world);
    this.lock = lock;
    this.number = number;
    this.client = this.clients[number % this.clients.length];
  }

  async run() {
    while (!this.stopped()) {
      try {
        await this.turn();
      } catch (error) {
        if (!(error instanceof Over)) this.ledger.breaks('a bidder can work', error.stack);
      }
    }
  }

  async turn() {
    await this.signIn();
    for (let i = 0; i < 3 && !this.stopped(); i++) {
      const rights = await this.obtain();
      if (rights) await this.use(rights);
    }
  }

  // --- calls -----------------------------------------------------------------------------------

  // Tries once. null: no answer, or one that says to try later.
  async once(what, path, options) {
    try {
      const answer = await this.wire.send(path, options);
      if (answer.status >= 500 && !saysLater(answer)) this.breaks(what, answer);
      if (answer.status >= 500) return this.putOff(`${what} ${answer.status}`);
      this.ledger.time(what, answer.ms);
      return answer;
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      if (error.message.endsWith('hung')) this.ledger.breaks('nobody is left hanging', what);
      return this.putOff(`${what} ${error.message.split(': ').pop()}`);
    }
  }

  putOff(what) {
    this.ledger.postpone(what);
    return null;
  }

  // Tries until there is an answer; for calls that may be repeated. ask() makes the options anew.
  async again(what, path, ask) {
    const end = Date.now() + GIVE_UP_MS;
    for (;;) {
      const answer = await this.once(what, path, ask());
      if (answer) return answer;
      await this.rest();
      if (Date.now() > end) throw new Error(`${what}: no good answer for ${GIVE_UP_MS} ms`);
    }
  }

  async rest() {
    if (this.stopped()) throw new Over();
    await sleep(PAUSE_MS);
  }

  breaks(what, { status, text }) {
    this.ledger.breaks(`${what} is answered as promised`, `${status} ${text.slice(0, 400)}`);
  }

  authorized(fields) {
    const { client_id: id, client_secret: secret } = this.client;
    const options = form(fields);
    options.headers.Authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    return options;
  }

  // --- the browser -----------------------------------------------------------------------------

  keep({ headers, text }) {
    for (const line of headers['set-cookie'] ?? []) this.cookie = line.split(';')[0];
    if (text.startsWith('{')) this.token = JSON.parse(text).token ?? this.token;
  }

  post(value) {
    const headers = {
      Cookie: this.cookie,
      Origin: this.issuer,
      'Content-Type': 'application/json',
      'X-Tamga-Token': this.token,
    };
    return { method: 'POST', headers, body: JSON.stringify(value) };
  }

  // A session is lost with the key-value store, and a challenge with it: then from the beginning.
  async signIn() {
    for (;;) {
      if (await this.trySignIn()) return;
      await this.rest();
    }
  }

  async trySignIn() {
    this.cookie = '';
    const opened = await this.once('session', '/api/session', {});
    if (!opened) return false;
    this.keep(opened);
    const asked = await this.once('challenge', '/api/challenge', this.post({ purpose: 'login' }));
    if (!asked) return false;
    if (asked.status !== 200) return this.breaks('challenge', asked);
    const { challenge } = JSON.parse(asked.text);
    const answer = answerOf(this.lock, { origin: this.issuer, challenge });
    const said = await this.once('sign_in', '/api/sign-in', this.post({ answer }));
    if (!said) return false;
    if (said.status === 200) {
      this.keep(said);
      this.ledger.acknowledge('signed_in');
      return true;
    }
    if (!said.text.includes('challenge')) this.breaks('sign_in', said); // expired or lost: again
    return false;
  }

  authorizePath(verifier) {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: this.client.client_id,
      redirect_uri: this.client.redirect_uri,
      scope: SCOPE,
      prompt: 'consent',
      state: 'weather',
      nonce: randomBytes(9).toString('base64url'),
      code_challenge: sha256(verifier),
      code_challenge_method: 'S256',
    });
    return `/oauth2/authorize?${query}`;
  }

  // A code, or null where the session or the interaction was lost on the way.
  async code(verifier) {
    const asked = await this.once('authorize', this.authorizePath(verifier), {
      headers: { Cookie: this.cookie },
    });
    if (!asked) return null;
    if (asked.status !== 303) return this.breaks('authorize', asked) ?? null;
    const interaction = new URL(asked.headers.location, this.issuer).searchParams.get(
      'interaction',
    );
    const path = new URL(asked.headers.location, this.issuer).pathname;
    if (path !== '/consent') return null; // the session is gone
    const value = { interaction, decision: 'allow' };
    const said = await this.once('consent', '/api/consent', this.post(value));
    if (!said || said.status !== 200) return null; // whether it was given is not known
    this.ledger.acknowledge('consent_given');
    return new URL(JSON.parse(said.text).location).searchParams.get('code');
  }

  // --- the platform ----------------------------------------------------------------------------

  // {access: [tokens of the grant], refresh, refreshed (when)} or null.
  async obtain() {
    const verifier = randomBytes(32).toString('base64url');
    const code = await this.code(verifier);
    if (!code) {
      await this.rest();
      await this.signIn();
      return null;
    }
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.client.redirect_uri,
      code_verifier: verifier,
    };
    return this.redeem(fields);
  }

  async redeem(fields) {
    for (;;) {
      const said = await this.once('code', '/oauth2/token', this.authorized(fields));
      if (said?.status === 200) return this.granted(said, fields);
      if (said && !this.isBadGrant(said)) return this.breaks('code', said) ?? null;
      // Refused at the first try: lost with the key-value store. Later: its own answer may be lost.
      if (said) return null;
      await this.rest();
    }
  }

  isBadGrant({ status, text }) {
    return status === 400 && text.includes('"invalid_grant"');
  }

  granted(said, fields) {
    const { access_token: access, refresh_token: refresh } = JSON.parse(said.text);
    if (!refresh) this.ledger.breaks('offline_access gives a refresh token', said.text);
    this.ledger.issue(access, this.client);
    this.ledger.acknowledge('code_redeemed');
    return { access: [access], refresh, fields };
  }

  async use(rights) {
    const dice = Math.random();
    await this.expect(rights, true);
    for (let i = 0; i < 3 && !rights.over; i++) await this.renew(rights);
    if (rights.over) return;
    await this.expect(rights, true);
    if (dice < 0.25) await this.useCodeAgain(rights);
    else if (dice < 0.5) await this.revoke(rights);
    else if (dice < 0.6) await this.useOldAgain(rights);
  }

  // Asks about the newest token, which has to be good, or every one that has to be over.
  async expect(rights, active) {
    for (const token of active ? rights.access.slice(-1) : rights.access) {
      const ask = () => this.authorized({ token });
      const said = await this.again('introspect', '/oauth2/introspect', ask);
      const got = said.status === 200 ? JSON.parse(said.text).active : undefined;
      if (got !== active) {
        const detail = `${said.status} ${said.text} expected active ${active}; ${rights.told ?? ''}`;
        this.ledger.breaks(active ? 'a good token is active' : 'an ended token is dead', detail);
      }
    }
  }

  async renew(rights) {
    const began = Date.now();
    const fields = { grant_type: 'refresh_token', refresh_token: rights.refresh };
    for (let tries = 0; ; tries++) {
      const said = await this.once('refresh', '/oauth2/token', this.authorized(fields));
      if (said?.status === 200) return this.renewed(rights, said);
      // Nothing but a lost answer that is long ago can make the newest refresh token a used one.
      const late = tries > 0 && Date.now() - began > GRACE_MS;
      if (said && this.isBadGrant(said) && late) return this.lose(rights, 'unsure');
      if (said) return this.breaks('refresh', said) ?? this.lose(rights, 'unsure');
      await this.rest();
    }
  }

  renewed(rights, said) {
    const { access_token: access, refresh_token: refresh } = JSON.parse(said.text);
    this.ledger.issue(access, this.client);
    this.ledger.acknowledge('refreshed');
    rights.before = rights.refresh;
    rights.refresh = refresh;
    rights.access.push(access);
    rights.renewedAt = Date.now();
  }

  lose(rights, state) {
    rights.over = true;
    this.ledger.mark(rights.access, state);
  }

  async end(rights, told) {
    rights.told = told;
    this.lose(rights, 'ended');
    await this.expect(rights, false);
  }

  async revoke(rights) {
    this.ledger.mark(rights.access, 'unsure'); // from the first try on it may be done
    const ask = () => this.authorized({ token: rights.refresh });
    const said = await this.again('revoke', '/oauth2/revoke', ask);
    if (said.status !== 200) return this.breaks('revoke', said);
    this.ledger.acknowledge('revoked');
    return this.end(rights, 'revoked');
  }

  // The second use of a code ends what the first one gave (RFC 6749 section 4.1.2).
  async useCodeAgain(rights) {
    this.ledger.mark(rights.access, 'unsure');
    const said = await this.again('code_again', '/oauth2/token', () =>
      this.authorized(rights.fields),
    );
    if (!this.isBadGrant(said)) return this.ledger.breaks('a code works once', said.text);
    return this.end(rights, 'code used twice');
  }

  // Within the grace the token before the newest gives the very same successor.
  async useOldAgain(rights) {
    const ask = () =>
      this.authorized({ grant_type: 'refresh_token', refresh_token: rights.before });
    this.ledger.mark(rights.access, 'unsure');
    const said = await this.again('refresh_again', '/oauth2/token', ask);
    const inTime = Date.now() - rights.renewedAt < GRACE_MS;
    if (this.isBadGrant(said) && !inTime) return this.end(rights, 'old refresh token');
    if (said.status !== 200) return this.breaks('refresh_again', said);
    if (JSON.parse(said.text).refresh_token !== rights.refresh)
      return this.ledger.breaks('a refresh token has one successor', said.text);
    return this.ledger.mark(rights.access, 'active');
  }
}
