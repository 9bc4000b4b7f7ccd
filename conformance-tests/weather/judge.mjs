// Afterwards, in fair weather: is everything that was acknowledged there, and nothing else?
import { form, Lost, saysLater } from './wire.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const AT_ONCE = 8;

async function introspect(installation, client, token) {
  const { client_id: id, client_secret: secret } = client;
  const options = form({ token });
  options.headers.Authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  for (let tries = 0; ; tries++) {
    try {
      const said = await installation.wire.send('/oauth2/introspect', options);
      if (said.status === 200) return JSON.parse(said.text).active;
      if (!saysLater(said) || tries > 200) throw new Error(`${said.status} ${said.text}`);
    } catch (error) {
      if (!(error instanceof Lost) || tries > 200) throw error;
    }
    await sleep(50);
  }
}

// Every token that is known to be good or over is asked about.
async function judgeTokens(installation, ledger) {
  const left = [...ledger.tokens];
  const work = async () => {
    for (let one = left.pop(); one; one = left.pop()) {
      const [token, { client, state }] = one;
      if (state === 'unsure') continue;
      const active = await introspect(installation, client, token);
      if (active === (state === 'active')) continue;
      const promise =
        state === 'active' ? 'no acknowledged token is lost' : 'what ended stays dead';
      ledger.breaks(promise, `${token.slice(0, 24)}… is ${active ? '' : 'in'}active`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

// What the record has to hold at least, and what may be there at most once.
const RECORD = [
  ['signed_in', "SELECT count(*) FROM audit WHERE event = 'signed_in'"],
  ['code_redeemed', 'SELECT count(*) FROM grants WHERE code_hash IS NOT NULL'],
  ['refreshed', 'SELECT coalesce(sum(number - 1), 0) FROM refresh_families'],
];

async function judgeRecord(installation, ledger) {
  for (const [what, statement] of RECORD) {
    const there = await installation.count(statement);
    const promised = ledger.counts.get(what) ?? 0;
    if (there < promised) {
      ledger.breaks('the record holds what was acknowledged', `${what}: ${there} of ${promised}`);
    }
  }
  const without = await installation.count(
    'SELECT count(*) FROM refresh_families f WHERE NOT EXISTS ' +
      '(SELECT 1 FROM grants g WHERE g.id = f.grant_id)',
  );
  if (without > 0) ledger.breaks('nothing is half-done', `${without} families without a grant`);
}

export async function judge(installation, ledger) {
  await judgeTokens(installation, ledger);
  await judgeRecord(installation, ledger);
  return ledger;
}
