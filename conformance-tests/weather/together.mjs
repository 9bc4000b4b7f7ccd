// Sixty-four clients redeem one code, and one refresh token, at the same moment, spread over the
// nodes: one success each, or one successor within the grace.
import { randomBytes } from 'node:crypto';
import { Bidder } from './bidder.mjs';
import { form, Wire } from './wire.mjs';

const CLIENTS = 64;

function headersOf({ client_id: id, client_secret: secret }) {
  return { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

// The same call at every node at once: the answers.
async function everywhere(wires, path, options) {
  const calls = Array.from({ length: CLIENTS }, (_, i) =>
    wires[i % wires.length].send(path, options),
  );
  return Promise.all(calls);
}

const call = (client, fields) => {
  const options = form(fields);
  Object.assign(options.headers, headersOf(client));
  return options;
};

async function isActive(wire, client, token) {
  const said = await wire.send('/oauth2/introspect', call(client, { token }));
  return JSON.parse(said.text).active;
}

export async function sixtyFour(installation, ledger) {
  const { issuer, wire, clients, locks, nodes } = installation;
  const wires = nodes.map(({ origin }) => new Wire(origin));
  const world = { issuer, wire, clients, ledger, stopped: () => false };
  const bidder = new Bidder(world, locks[0], 0);
  await bidder.signIn();
  await codeAtOnce(bidder, wires, ledger);
  await refreshAtOnce(bidder, wires, ledger);
  wires.forEach((each) => each.close());
}

async function codeAtOnce(bidder, wires, ledger) {
  const verifier = randomBytes(32).toString('base64url');
  const code = await bidder.code(verifier);
  if (!code) return ledger.breaks('a code is given in fair weather', 'there is none');
  const options = call(bidder.client, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: bidder.client.redirect_uri,
    code_verifier: verifier,
  });
  const answers = await everywhere(wires, '/oauth2/token', options);
  const good = answers.filter(({ status }) => status === 200);
  const others = answers.filter(({ status }) => status !== 200 && status !== 400);
  if (good.length !== 1) ledger.breaks('a code works once', `${good.length} of ${CLIENTS}`);
  if (others.length > 0) ledger.breaks('a code is answered', `${others[0].status}`);
  for (const { text } of good) {
    const { access_token: token } = JSON.parse(text);
    if (await isActive(wires[0], bidder.client, token)) {
      ledger.breaks('what a code used twice gives away is dead', token.slice(0, 20));
    }
  }
  ledger.acknowledge(`code redeemed by ${CLIENTS} at once`);
}

async function refreshAtOnce(bidder, wires, ledger) {
  const rights = await bidder.obtain();
  if (!rights) return ledger.breaks('a code is good in fair weather', 'it gave nothing');
  const fields = { grant_type: 'refresh_token', refresh_token: rights.refresh };
  const answers = await everywhere(wires, '/oauth2/token', call(bidder.client, fields));
  const good = answers.filter(({ status }) => status === 200).map(({ text }) => JSON.parse(text));
  const successors = new Set(good.map((each) => each.refresh_token));
  if (successors.size !== 1) {
    const said = answers.map(({ status, text }) => `${status} ${text.slice(0, 80)}`);
    ledger.breaks('a refresh token has one successor', `${successors.size}: ${said[0]}`);
  }
  const failed = answers.find(({ status }) => status >= 500);
  if (failed) ledger.breaks('a refresh is answered', `${failed.status} ${failed.text}`);
  ledger.acknowledge(`refreshed by ${CLIENTS} at once`);
}
