// make mutants: removes each countermeasure in turn and shows that its test then fails.
//
//   node scripts/mutants.mjs [--row 12] [--list idp/tests/mutants.json]
//
// A mutant is a small change to one file of a copy of the sources: the sources themselves hold no
// switch. It is killed when one of the tests named for it was built, ran and failed. A mutant whose
// place is not found exactly once, that does not compile, or whose tests fail before the change, is an
// error of its own.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    row: { type: 'string', default: '' },
    list: { type: 'string', default: 'idp/tests/mutants.json' },
  },
});

const TREE = path.resolve('build/mutants');
const FLAVOUR = 'build/check';
const TEST_MS = 120e3;
const mutants = JSON.parse(readFileSync(options.list, 'utf8')).filter(
  ({ row }) => !options.row || String(row) === options.row,
);

// A copy with the times of the original, so that what is built there need not be built again.
function copySources() {
  rmSync(TREE, { recursive: true, force: true });
  mkdirSync(TREE, { recursive: true });
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    encoding: 'utf8',
    maxBuffer: 64e6,
  });
  const wanted =
    /^(idp\/(?!web\/)|clients\/|schema\/|scripts\/|conformance-tests\/(?:bench|doubles)\/|Makefile)/;
  const files = listed.split('\0').filter((file) => wanted.test(file));
  for (const file of [...files, FLAVOUR]) {
    cpSync(file, path.join(TREE, file), { recursive: true, preserveTimestamps: true });
  }
}

const run = (command, args, more = {}) =>
  spawnSync(command, args, { cwd: TREE, encoding: 'utf8', maxBuffer: 64e6, ...more });

const programOf = (test) => `${FLAVOUR}/${test.startsWith('clients/') ? test : `tests/${test}`}`;

// Builds a test: null, or what the compiler said.
function build(test) {
  const { status, stderr, stdout } = run('make', [
    '-j2',
    'WARN=-w',
    ...(process.env.CC ? [`CC=${process.env.CC}`] : []),
    programOf(test),
  ]);
  return status === 0 ? null : `${stdout}${stderr}`.slice(-1500);
}

// Whether every test in the program passes.
function passes(test) {
  const { status } = run(path.join(TREE, programOf(test)), [], { timeout: TEST_MS });
  return status === 0;
}

// Changes the file; the returned function puts it back, and makes it count as changed again.
function change({ file, from, to }) {
  const name = path.join(TREE, file);
  const text = readFileSync(name, 'utf8');
  if (text.split(from).length !== 2) {
    throw new Error(`stands ${text.split(from).length - 1} times in ${file}: ${from}`);
  }
  const { mtime } = statSync(name);
  const object = path.join(TREE, FLAVOUR, 'obj', file.replace(/\.c$/, '.o'));
  writeFileSync(
    name,
    text.replace(from, () => to),
  );
  return () => {
    writeFileSync(name, text);
    utimesSync(name, mtime, mtime);
    rmSync(object, { force: true });
  };
}

// {outcome: killed, survived or broken, why}
function judge(mutant) {
  const tests = mutant.test.split(' ');
  let restore;
  try {
    restore = change(mutant);
  } catch (error) {
    return { outcome: 'broken', why: error.message };
  }
  try {
    for (const test of tests) {
      const said = build(test);
      if (said) return { outcome: 'broken', why: said };
      if (!passes(test)) return { outcome: 'killed', why: test };
    }
    return { outcome: 'survived', why: tests.join(', ') };
  } finally {
    restore();
  }
}

// Tests that fail without any change would kill every mutant.
function checkUnchanged() {
  const tests = [...new Set(mutants.flatMap(({ test }) => test.split(' ')))];
  for (const test of tests) {
    const said = build(test);
    if (said) throw new Error(`${test} cannot be built: ${said}`);
    if (!passes(test)) throw new Error(`${test} fails without any change`);
  }
}

copySources();
checkUnchanged();
const sums = { killed: 0, survived: 0, broken: 0 };
for (const mutant of mutants) {
  const { outcome, why } = judge(mutant);
  sums[outcome]++;
  console.log(`  ${outcome.padEnd(8)} row ${mutant.row}: ${mutant.removes} (${why})`);
}
console.log(`${sums.killed} killed, ${sums.survived} survived, ${sums.broken} broken`);
process.exitCode = sums.survived + sums.broken === 0 && sums.killed > 0 ? 0 : 1;
