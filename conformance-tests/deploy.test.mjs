// What is shipped for several nodes fits the program: settings, secrets, ports, nginx in front.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { built, ROOT, run } from './lib/process.mjs';

const read = (name) => readFile(path.join(ROOT, name), 'utf8');
const settings = JSON.parse(await read('docker/settings.json'));
const compose = await read('docker/compose.yaml');

test('the settings of docker/ are understood: only the secrets are missing here', async () => {
  const file = path.join(ROOT, 'docker/settings.json');
  const { code, stderr } = await run(built('bin/tamga-idp'), ['serve', '--settings', file]);
  assert.equal(code, 1);
  assert.match(stderr, /\/run\/secrets\/|\/etc\/tamga\/|\/usr\/share\/tamga\//);
  assert.doesNotMatch(stderr, /no such setting|expected/);
});

test('every secret that the settings name is handed over', () => {
  const files = [settings.master_key_file, settings.store.sql_password_file];
  for (const file of [...files, settings.store.kv_password_file]) {
    const name = path.basename(file);
    assert.ok(compose.includes(`  ${name}: {file: ./secrets/${name}}`), name);
  }
});

test('nginx is told the port that nodes listen on, and is the only one believed', () => {
  const servers = /TAMGA_NODES: "([^"]+)"/.exec(compose)[1];
  const ports = [...servers.matchAll(/server idp-\d:(\d+)/g)].map(([, port]) => Number(port));
  assert.deepEqual(ports, [settings.listen.port, settings.listen.port]);
  const [network] = settings.listen.proxies;
  assert.ok(compose.includes(`subnet: ${network}`));
});

test('the image asks for its health where the settings listen', async () => {
  const image = await read('docker/Dockerfile');
  const { address, port } = settings.operate;
  assert.ok(image.includes(`http://${address}:${port}/healthz`));
});

test('services are given longer to end than the program takes', async () => {
  const schema = JSON.parse(await read('schema/settings.schema.json'));
  const { drain_ms: drain, stop_ms: stop } = schema.properties.operate.properties;
  const longest = (drain.default + stop.default) / 1000;
  const unit = await read('systemd/tamga-idp.service');
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)[1]) > longest);
  assert.ok(Number(/stop_grace_period: (\d+)s/.exec(compose)[1]) > longest);
});
