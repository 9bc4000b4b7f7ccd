// Binding and signing in by the provider's own calls, with an answer that the assistant's command
// line makes with a lock. The starter binds the demo's companies with it; tests use it too.
import path from 'node:path';
import { run } from '../keys/openssl.mjs';
import { Portal } from './portal.mjs';

// The assistant's answer to a challenge. assistant: {program, settings, env}, as in demo.json;
// lock: {label, pin}.
export async function answerWith(assistant, { origin, challenge, lock }) {
  const what = ['--origin', origin, '--challenge', challenge, '--lock', lock.label];
  const said = await run(
    path.resolve(assistant.program),
    ['sign', '--settings', assistant.settings, ...what],
    { env: assistant.env, input: `${lock.pin}\n` },
  );
  return JSON.parse(said);
}

// Takes a challenge for a purpose and answers it with the lock.
export async function prove(portal, assistant, lock, purpose, more = {}) {
  const { challenge } = await portal.post('/api/challenge', { purpose, ...more });
  return answerWith(assistant, { origin: portal.issuer, challenge, lock });
}

// What the bind form asks for, for a lock of demo.json.
export async function formFor(portal, lock) {
  const { cities, entity_types: types } = await portal.get('/api/bind/choices');
  const city = cities.find(({ zh }) => zh === lock.city) ?? cities[0];
  return {
    city: city.id,
    legal_representative: lock.legal_representative,
    phone: '0471-0000000',
    address: `${lock.city}示例路1号`,
    entity_types: types.slice(0, 2).map(({ id }) => id),
    email: `${lock.label}@example.com`,
  };
}

// Binds a lock's company in a session of its own; throws Refused with the provider's reason.
export async function bind(issuer, assistant, lock) {
  const portal = new Portal(issuer);
  await portal.open();
  const answer = await prove(portal, assistant, lock, 'bind');
  await portal.post('/api/bind/read', { answer });
  return portal.post('/api/bind/confirm', await formFor(portal, lock));
}

// Signs a lock in at the portal; resolves to the signed-in session's Portal.
export async function signIn(issuer, assistant, lock) {
  const portal = new Portal(issuer);
  await portal.open();
  const answer = await prove(portal, assistant, lock, 'login');
  await portal.post('/api/sign-in', { answer });
  return portal;
}
