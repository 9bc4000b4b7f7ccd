// The demo's post: takes every mail and lays it into a folder, a file each, which mail programs
// open. The name says when, to whom and what about.
//
// node demo/mail.mjs --folder F --address A --port P
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readLetter } from './letter.mjs';
import { startMailServer } from './smtp.mjs';

const NAME_MAX = 60;

const { values: options } = parseArgs({
  options: Object.fromEntries(
    ['folder', 'address', 'port'].map((name) => [name, { type: 'string' }]),
  ),
});
let last = 0;

function subjectOf(raw) {
  try {
    return readLetter(raw).subject;
  } catch {
    return 'unreadable';
  }
}

// Letters, digits and single dashes: nothing that a folder or a shell would take for something else.
function fileSafe(text, length) {
  const words = text.normalize('NFC').replace(/[^\p{L}\p{N}.@]+/gu, '-');
  return [...words.replace(/^[-.]+|-+$/g, '')].slice(0, length).join('');
}

// Milliseconds that grow, so that names sort as the mails came.
function now() {
  last = Math.max(last + 1, Date.now());
  return new Date(last).toISOString().replace(/[:.]/g, '-');
}

async function keep({ to, raw }) {
  const [chinese] = subjectOf(raw).split(' / ');
  const name = `${now()} ${fileSafe(to.join(' '), NAME_MAX)} ${fileSafe(chinese, NAME_MAX)}.eml`;
  const file = path.join(options.folder, name);
  await writeFile(`${file}.new`, raw, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

await mkdir(options.folder, { recursive: true, mode: 0o700 });
const { address, port } = options;
const server = await startMailServer({ address, port: Number(port), take: keep });
console.log(`takes mail at ${server.address}:${server.port}`);
process.on('SIGTERM', () => server.close().then(() => process.exit(0)));
