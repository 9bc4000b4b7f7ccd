// Companies are told by mail what happens to them: once each, whatever becomes of the mail server and
// of the nodes.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Post } from './lib/post.mjs';
import { Postgres } from './lib/postgres.mjs';
import { built, freePort, run, start, until } from './lib/process.mjs';
import { Provider, providerProgram } from './lib/provider.mjs';
import { lockOf, openRegion } from './lib/region.mjs';

const demo = await openRegion();
const ADDRESS = '127.0.0.7';
const TAKEOVER_MS = 40e3; // 30 s are promised, from the moment the other is dead
const company = lockOf(demo, 'company-a-primary');

// A provider with a post of its own.
async function house({ change = () => {}, ...mail } = {}) {
  const post = await Post.open(ADDRESS);
  const provider = await Provider.make(demo, {
    address: ADDRESS,
    change: async (settings) => {
      settings.mail = post.settings(mail);
      await change(settings);
    },
  });
  await provider.start();
  const close = async () => {
    await provider.close();
    await post.close();
  };
  return { post, provider, close };
}

const bind = (provider) => provider.bind(demo.assistant, [company]);
const arrival = (post, count = 1) =>
  until(() => post.letters.length >= count, `${count} mails`, TAKEOVER_MS);
const logged = (provider, event) =>
  until(() => provider.log().includes(`"event":"${event}"`), event);

test('a company whose lock was bound gets one mail that says so', async () => {
  const { post, provider, close } = await house();
  try {
    const before = Math.floor(Date.now() / 1000) * 1000;
    await bind(provider);
    await arrival(post);
    const [{ from, to, headers, subject, text }] = post.letters;
    assert.equal(from, 'noreply@idp.example');
    assert.deepEqual(to, [`${company.label}@example.com`]);
    assert.equal(headers.from, '认证平台 <noreply@idp.example>');
    assert.equal(headers.to, `${company.label}@example.com`);
    assert.equal(subject, '贵单位账户绑定了一把 CA 锁 / A CA lock was bound to your company');
    assert.match(headers['message-id'], /^<[\w-]{22}@idp\.example>$/);
    assert.ok(Date.parse(headers.date) >= before && Date.parse(headers.date) <= Date.now());
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(headers['auto-submitted'], 'auto-generated');
    assert.ok(text.startsWith(`${company.company}：\n`), text);
    const { names } = demo.authorities.find(({ id }) => id === company.authority);
    for (const fact of [names.zh, names.en, '主锁', 'primary'])
      assert.ok(text.includes(fact), fact);
    assert.match(text, /证书序列号 [0-9A-F]+\n/);
    assert.ok(text.includes('0471-000-0109'), 'whom to call');
    assert.doesNotMatch(text, /https?:|\{|\}|undefined|null/);
    await provider.restart();
    assert.equal(post.letters.length, 1, 'nothing is sent again after a restart');
  } finally {
    await close();
  }
});

test('a company is told what operators did to its account, once each', async () => {
  const { post, provider, close } = await house();
  const operate = async (...words) => {
    const args = ['--settings', provider.settings, ...words];
    const { code, stdout, stderr } = await run(built('bin/tamgactl'), args);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  try {
    await bind(provider);
    const [{ enterprise }] = await operate('enterprise', 'list');
    const [{ lock }] = await operate('lock', 'list', '--', enterprise);
    for (const order of ['suspend', 'suspend', 'resume', 'resume']) {
      await operate('enterprise', order, '--', enterprise);
    }
    await operate('lock', 'unbind', '--', lock);
    await arrival(post, 4);
    const told = post.letters.map(({ subject }) => subject.split(' / ')[1]);
    assert.deepEqual(told.toSorted(), [
      'A CA lock was bound to your company',
      'A CA lock was unbound from your company',
      "Your company's account was resumed",
      "Your company's account was suspended",
    ]);
  } finally {
    await close();
  }
});

test('a mail server that is down gets the mail once it is back, and once', async () => {
  const { post, provider, close } = await house();
  try {
    await post.close();
    await bind(provider); // which does not depend on it
    await logged(provider, 'mail_not_sent');
    await post.reopen();
    await arrival(post);
    assert.equal(post.letters.length, 1);
  } finally {
    await close();
  }
});

test('a mail server that wants to be asked again is asked again', async () => {
  const { post, provider, close } = await house();
  try {
    post.orders.RCPT = '450 4.2.0 greylisted';
    await bind(provider);
    await logged(provider, 'outbox_delivery_failed');
    assert.equal(post.letters.length, 0);
    delete post.orders.RCPT;
    await arrival(post);
    assert.equal(post.letters.length, 1);
  } finally {
    await close();
  }
});

test('a mail that is refused for good is given up, and the log says so', async () => {
  const { post, provider, close } = await house();
  try {
    post.orders.RCPT = '550 5.1.1 no such user';
    await bind(provider);
    await logged(provider, 'outbox_parked');
    const { asked } = post;
    delete post.orders.RCPT;
    await provider.restart();
    await provider.bind(demo.assistant, [lockOf(demo, 'company-b-primary')]);
    await arrival(post);
    assert.equal(asked, 1);
    assert.deepEqual(post.letters[0].to, ['company-b-primary@example.com']);
    assert.ok(!provider.log().includes('@example.com'), 'no address in the log');
  } finally {
    await close();
  }
});

test('a mail server that says nothing keeps no right from being ended', async () => {
  const { post, provider, close } = await house();
  try {
    const { client_id } = await provider.addClient({ client_id: 'ended' });
    post.orders.END = null; // it has the mail, and is silent
    await bind(provider);
    await until(() => post.asked > 0, 'the provider to send');
    await provider.client(['suspend', client_id]); // waits until a node has done it
    assert.equal(post.letters.length, 0);
    const { code } = await provider.stop();
    assert.equal(code, 0, 'nor the program from stopping');
  } finally {
    await close();
  }
});

test('what happened while the settings had no mail is never sent', async () => {
  const { post, provider, close } = await house({ change: (settings) => delete settings.mail });
  try {
    await bind(provider);
    const settings = JSON.parse(await readFile(provider.settings, 'utf8'));
    await writeFile(provider.settings, JSON.stringify({ ...settings, mail: post.settings() }));
    await provider.restart();
    await provider.bind(demo.assistant, [lockOf(demo, 'company-b-primary')]);
    await arrival(post);
    assert.deepEqual(
      post.letters.map(({ to }) => to),
      [['company-b-primary@example.com']],
    );
  } finally {
    await close();
  }
});

// --- two nodes -----------------------------------------------------------------------------------

async function database() {
  const folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-'));
  await chmod(folder, 0o755); // the server is somebody else
  const postgres = await (await Postgres.make(path.join(folder, 'postgres'))).start();
  await postgres.create('mail');
  after(async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return postgres;
}

// Another node of the same house, at a port of its own.
async function secondNode(provider) {
  const settings = JSON.parse(await readFile(provider.settings, 'utf8'));
  settings.listen.port = await freePort(ADDRESS);
  const file = path.join(provider.folder, 'second.json');
  await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
  const node = start(providerProgram(), ['serve', '--settings', file]);
  await until(() => node.output().includes('"event":"serving"'), 'the second node');
  return { node, port: settings.listen.port };
}

const mails = (from, count) => `
  INSERT INTO outbox (id, queue, kind, target, body, created, due_ms, attempts)
  SELECT 'mail-' || n, 'messages', 'mail', 'a' || n || '@example.com',
         '{"news":"enterprise_resumed","name":"x"}', 1, n, 0
  FROM generate_series(${from}, ${from + count - 1}) n`;

test('two nodes send each mail once, also when the one that sends is killed', async (t) => {
  const postgres = await database();
  const { post, provider, close } = await house({
    change: async (settings) => {
      const password = path.join(path.dirname(settings.master_key_file), 'password');
      settings.store.sql = postgres.uri('mail');
      settings.store.sql_password_file = await postgres.passwordFile(password);
      const file = path.join(path.dirname(password), 'migrate.json');
      await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
      const { code, stderr } = await run(providerProgram(), ['migrate', '--settings', file]);
      assert.equal(code, 0, stderr);
    },
  });
  const second = await secondNode(provider);
  t.after(() => second.node.stop());
  try {
    await postgres.query('mail', mails(1, 50));
    await arrival(post, 50);
    const holder = await postgres.query('mail', "SELECT node FROM leases WHERE job = 'messages'");
    const dead = holder.includes(`:${second.port}/`) ? second.node : provider.program;
    await dead.stop('SIGKILL');
    await postgres.query('mail', mails(51, 50));
    await arrival(post, 100);
    const ids = new Set(post.letters.map(({ headers }) => headers['message-id']));
    assert.equal(ids.size, 100);
    assert.equal(post.letters.length, 100);
  } finally {
    await close();
  }
});
