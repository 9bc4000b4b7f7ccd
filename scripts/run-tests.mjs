// Runs every test there is and prints, last and alone on its line, `N passed, N failed`.
//
//   node scripts/run-tests.mjs [--list build/tests.list] [--unit-only]
//
// A suite is a unit test program (cmocka), a fuzz target replayed over its kept corpus, or a node
// test file. What a suite prints goes to build/logs/; what fails is shown. A suite that ran no test
// counts as failed. The end-to-end files share one fresh region (conformance-tests/lib/region.mjs).
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startRegion } from '../conformance-tests/lib/region.mjs';

const { values: options } = parseArgs({
  options: {
    list: { type: 'string', default: 'build/tests.list' },
    'unit-only': { type: 'boolean', default: false },
  },
});

const LOGS = 'build/logs';
const SUITE_MINUTES = 15;

// One suite: {name, command, args, cwd, env, count(text, code) -> {passed, failed}}.
const number = (match) => (match === null ? 0 : Number(match[1]));

function countCmocka(text, code) {
  const sum = (pattern) => [...text.matchAll(pattern)].reduce((n, m) => n + Number(m[1]), 0);
  const passed = sum(/^\[ {2}PASSED {2}\].*?(\d+) test/gm);
  const failed = sum(/^\[ {2}FAILED {2}\].*?(\d+) test\(s\), listed/gm);
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1) };
}

function countNode(text, code) {
  const passed = number(/^(?:# |ℹ )pass (\d+)/m.exec(text));
  const failed = number(/^(?:# |ℹ )fail (\d+)/m.exec(text));
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1) };
}

const countOne = (text, code) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 });

function unitSuite(program) {
  const name = program.replace(/^build\/[^/]+\//, '');
  if (!program.endsWith('_replay')) return { name, command: program, args: [], count: countCmocka };
  const target = path.basename(program, '_replay');
  const corpus = `idp/fuzz/corpus/${target}`;
  const files = existsSync(corpus) ? readdirSync(corpus).map((file) => `${corpus}/${file}`) : [];
  return {
    name: `${name} (${files.length} inputs)`,
    command: files.length > 0 ? program : 'false',
    args: files,
    count: countOne,
  };
}

// Tests of what uses a database, and does not care which, run on PostgreSQL as well.
const anyDatabase =
  /database_kind\(\)|tests\/(access\/(world|post)|oauth\/asking|portal\/visiting)\.h/;

function onPostgres(suite) {
  const source = `idp/${suite.name}.c`;
  if (!existsSync(source) || !anyDatabase.test(readFileSync(source, 'utf8'))) return [];
  return [{ ...suite, name: `${suite.name} (postgresql)`, env: { TAMGA_TEST_SQL: 'postgresql' } }];
}

const programs = readFileSync(options.list, 'utf8').split(/\s+/).filter(Boolean).map(unitSuite);
const unit = programs.flatMap((suite) => [suite, ...onPostgres(suite)]);

const layers = { name: 'layers', command: 'idp/tests/check_layers.sh', args: [], count: countOne };
const secrets = { ...layers, name: 'secrets', command: 'idp/tests/check_secrets.sh' };

const pages = {
  name: 'pages',
  command: 'npm',
  args: ['test', '--silent'],
  cwd: 'idp/web',
  count: countNode,
};

const endToEnd = (demo) =>
  readdirSync('conformance-tests')
    .filter((file) => file.endsWith('.test.mjs'))
    .sort()
    .map((file) => ({
      name: `conformance-tests/${file}`,
      command: process.execPath,
      args: [
        '--experimental-global-webcrypto',
        '--test',
        '--test-reporter=tap',
        `conformance-tests/${file}`,
      ],
      env: { TAMGA_DEMO: demo },
      count: countNode,
    }));

function run(suite) {
  return new Promise((resolve) => {
    const began = Date.now();
    const child = spawn(suite.command, suite.args, {
      cwd: suite.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CMOCKA_MESSAGE_OUTPUT: 'stdout', ...suite.env },
    });
    const chunks = [];
    const timer = setTimeout(() => child.kill('SIGKILL'), SUITE_MINUTES * 60_000);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (c) => chunks.push(c));
    child.on('error', (error) => chunks.push(Buffer.from(String(error))));
    child.on('close', (code) => {
      clearTimeout(timer);
      const text = Buffer.concat(chunks).toString('utf8');
      const { passed, failed } = suite.count(text, code);
      const ran = passed + failed > 0;
      resolve({ suite, text, passed, failed: ran ? failed : 1, ran, ms: Date.now() - began });
    });
  });
}

function report({ suite, text, passed, failed, ran, ms }) {
  const log = path.join(LOGS, `${suite.name.replace(/[^\w.-]+/g, '-')}.log`);
  writeFileSync(log, text);
  const seconds = (ms / 1000).toFixed(1);
  console.log(
    `  ${failed === 0 ? 'ok  ' : 'FAIL'} ${suite.name}: ${passed} passed, ${failed} failed (${seconds} s)`,
  );
  if (!ran) console.log('       it ran no test');
  if (failed > 0) console.log(`${text.slice(-6000)}\n       whole output: ${log}`);
}

// Runs suites, some at a time, and returns the sums.
async function runAll(suites, atOnce) {
  const sums = { passed: 0, failed: 0 };
  const left = [...suites];
  const worker = async () => {
    for (let suite = left.shift(); suite !== undefined; suite = left.shift()) {
      const result = await run(suite);
      report(result);
      sums.passed += result.passed;
      sums.failed += result.failed;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return sums;
}

// A region that does not start is one failure; no end-to-end file can run then.
async function runEndToEnd() {
  let region = null;
  try {
    region = await startRegion();
    return await runAll(endToEnd(region.file), 1);
  } catch (error) {
    console.log(`  FAIL region: ${error.message}`);
    return { passed: 0, failed: 1 };
  } finally {
    await region?.stop();
  }
}

mkdirSync(LOGS, { recursive: true });
const parts = [await runAll(unit, 2)];
if (!options['unit-only']) {
  parts.push(await runAll([layers, secrets, pages], 1));
  parts.push(await runEndToEnd());
}
const passed = parts.reduce((n, part) => n + part.passed, 0);
const failed = parts.reduce((n, part) => n + part.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
