// The documents against the code: what is described is there, and what is there is described.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const filesBelow = (folder, ending) =>
  readdirSync(folder).flatMap((name) => {
    const file = path.join(folder, name);
    if (statSync(file).isDirectory()) return filesBelow(file, ending);
    return file.endsWith(ending) ? [file] : [];
  });

// Every `METHOD path` of the route structs.
function routesInCode() {
  const sources = ['idp/oauth', 'idp/portal', 'idp/operate'].flatMap((folder) =>
    filesBelow(folder, '.c'),
  );
  return sources.flatMap((file) => {
    const structs = readFileSync(file, 'utf8').matchAll(
      /\.methods = ([A-Z_ |]+),\s*\.path = "([^"]+)"/g,
    );
    return [...structs].flatMap(([, methods, route]) =>
      methods.split('|').map((method) => `${method.trim().replace('HTTP_', '')} ${route}`),
    );
  });
}

// Every `METHOD path` of the OpenAPI document, which keeps to two spaces a level.
function routesInDocument() {
  const found = [];
  let at = '';
  for (const line of readFileSync('schema/openapi.yaml', 'utf8').split('\n')) {
    at = /^ {2}(\/\S*):$/.exec(line)?.[1] ?? (/^\S/.test(line) ? '' : at);
    const method = /^ {4}(get|post):/.exec(line)?.[1];
    if (at && method) found.push(`${method.toUpperCase()} ${at}`);
  }
  return found;
}

test('the OpenAPI document and the route table hold the same calls', () => {
  assert.ok(routesInCode().length > 20);
  assert.deepEqual(routesInDocument().sort(), routesInCode().sort());
});

test('every route of a file stands in the route table', () => {
  const table = readFileSync('idp/routes.c', 'utf8');
  const headers = ['idp/oauth', 'idp/portal', 'idp/operate'].flatMap((folder) =>
    filesBelow(folder, '.h'),
  );
  const declared = headers.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b((?:oauth|portal|operate)_\w+_route)\b/g)].map(
      (m) => m[1],
    ),
  );
  assert.ok(declared.length > 20);
  for (const name of declared) assert.match(table, new RegExp(`&${name},`));
});

test('the route table says beside each route what it answers', () => {
  const table = readFileSync('idp/routes.c', 'utf8');
  const said = [...table.matchAll(/_route,\s*\/\* ([A-Z, ]+) (\/\S*) \*\//g)].flatMap(
    ([, methods, route]) => methods.split(', ').map((method) => `${method} ${route}`),
  );
  const inCode = routesInCode().map((each) => each.replace('*', '…'));
  assert.deepEqual(said.sort(), inCode.sort());
});

test('every metric is in docs/operate.md', () => {
  const document = readFileSync('docs/operate.md', 'utf8');
  const names = filesBelow('idp/operate', '.c').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/exposition_\w+\(e, "(tamga_\w+)"/g)].map((m) => m[1]),
  );
  assert.ok(names.length > 25);
  for (const name of names) assert.match(document, new RegExp(`\`${name}[\`{]`));
});

test('every claim that can be asked for is in docs/claims.md', () => {
  const code = readFileSync('idp/access/claims.c', 'utf8');
  const document = readFileSync('docs/claims.md', 'utf8');
  const names = [...code.matchAll(/\{CLAIM_\w+,\s*"(\w+)"/g)].map((m) => m[1]);
  assert.ok(names.length >= 9);
  for (const name of names) assert.match(document, new RegExp(`\`${name}[\`.]`));
});

test('every setting that is read is in its JSON Schema, with the same limits', () => {
  const code = readFileSync('idp/config.c', 'utf8');
  const schema = JSON.parse(readFileSync('schema/settings.schema.json', 'utf8'));
  const rows = [...code.matchAll(/\{(NULL|"\w+"), "(\w+)", ([A-Z]+), (true|false),([^}]*)\}/g)];
  assert.ok(rows.length > 30);
  for (const [, section, key, kind, required, rest] of rows) {
    const place = section === 'NULL' ? schema : schema.properties[section.slice(1, -1)];
    assert.ok(place.properties[key], key);
    assert.equal((place.required ?? []).includes(key), required === 'true', key);
    const most = /\.most = (\d+)/.exec(rest);
    if (kind === 'NUMBER') assert.equal(place.properties[key].maximum, Number(most[1]), key);
  }
});

test('every file of these tests is in their README', () => {
  const document = readFileSync('conformance-tests/README.md', 'utf8');
  const files = readdirSync('conformance-tests').filter((name) => name.endsWith('.test.mjs'));
  assert.ok(files.length > 20);
  for (const file of files)
    assert.ok(document.includes(`| \`${path.basename(file, '.test.mjs')}\``), file);
});

test('links between the documents lead somewhere', () => {
  const documents = ['README.md', ...filesBelow('docs', '.md')];
  for (const file of documents) {
    for (const [, target] of readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(statSync(path.join(path.dirname(file), target)), `${file}: ${target}`);
    }
  }
});

// --- docs/security.md ---------------------------------------------------------------------------

const security = readFileSync('docs/security.md', 'utf8');
const [rows, attacks] = security.split('## The attacks on locks');
const rowsOf = (text) =>
  [...text.matchAll(/^\| (\d+) \|.*$/gm)].map(([row, number]) => ({ row, number }));

// The files that a name with `*` stands for.
function filesNamed(name) {
  if (!name.includes('*')) return existsSync(name) ? [name] : [];
  const folder = path.dirname(name);
  const pattern = new RegExp(`^${path.basename(name).replace('*', '.*')}$`);
  return readdirSync(folder).filter((file) => pattern.test(file));
}

// The tests that a row names: [[file, test], …], a `name` of C or a "title" of node behind its file.
function testsNamed(row) {
  let file;
  return [...row.matchAll(/`([^`]+)`|"([^"]+)"/g)].flatMap(([, code, title]) => {
    const isFile = code?.includes('/');
    if (isFile) file = code;
    return isFile ? [] : [[file, code ?? title]];
  });
}

test('every file that docs/security.md names is there', () => {
  const named = rowsOf(rows).flatMap(({ row }) =>
    [...row.matchAll(/`((?:idp|clients|conformance-tests)\/[^`]+)`/g)].map(([, name]) => name),
  );
  assert.ok(named.length > 60);
  for (const name of named) assert.ok(filesNamed(name).length > 0, name);
});

test('every attack on locks has its row, and every test that it names is run', () => {
  const expected = Array.from({ length: 29 }, (_, i) => i + 1).filter(
    (n) => ![2, 25, 27].includes(n),
  );
  assert.deepEqual(
    rowsOf(attacks).map(({ number }) => Number(number)),
    expected,
  );
  for (const { row, number } of rowsOf(attacks)) {
    const named = testsNamed(row.split(' | ')[3]);
    assert.ok(named.length > 0, `attack ${number}`);
    for (const [file, name] of named) {
      const text = readFileSync(file, 'utf8');
      const run = file.endsWith('.c')
        ? new RegExp(`(?:TEST|unit_test\\w*)\\(${name}[,)]`).test(text)
        : text.includes(name);
      assert.ok(run, `attack ${number}: ${file} has no test ${name}`);
    }
  }
});
