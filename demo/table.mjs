// What the starter shows when the region is up.
import path from 'node:path';

// What a lock does, from its record in demo.json.
function meaning({ outcome, bound }) {
  if (outcome === 'signed_in') return bound ? 'signs in' : 'signs in: renewed, binds itself';
  if (outcome === 'unbound') return 'not bound yet: bind it';
  return `refused: ${outcome}`;
}

// How wide a text stands in a terminal: Chinese characters take two places.
function width(text) {
  return [...text].reduce((sum, character) => sum + (character > '\u2e7f' ? 2 : 1), 0);
}

const pad = (text, size) => text + ' '.repeat(Math.max(0, size - width(text)));

// Rows of texts as lines with aligned columns.
function columns(rows) {
  const sizes = rows[0].map((_, i) => Math.max(...rows.map((row) => width(row[i]))));
  return rows.map((row) => `  ${row.map((text, i) => pad(text, sizes[i])).join('  ')}`.trimEnd());
}

function locks(demo) {
  const kind = { rsa: 'RSA', p256: 'P-256', sm2: 'SM2' };
  return demo.locks.map((lock) => [
    lock.label,
    lock.pin,
    kind[lock.key_type],
    lock.company,
    meaning(lock),
  ]);
}

function platforms(demo) {
  return demo.platforms.map(({ home, name, joined }) => [
    joined ? home : 'not joined yet',
    `${name.zh}  ${name.en}`,
  ]);
}

// The whole text. hints: the lines of region.json's "try".
export function table(demo, hints) {
  const first = demo.platforms.find(({ id }) => id === 'ulanqab') ?? demo.platforms[0];
  const told = hints.map((text, i) => {
    const line = text.replace('{portal}', demo.portal).replace('{platform}', first.home);
    return `  ${i + 1}. ${line}`;
  });
  return [
    '',
    'The demo region is up.',
    '',
    `  Portal     ${demo.portal}`,
    `  Assistant  ${demo.assistant.address}`,
    `  Mail       ${path.relative('', demo.mail.folder)}/: what companies are told, a file each`,
    `  Trust      ${path.relative('', demo.ca)}: the demo's own CA, for the browser to import`,
    `  Files      ${path.relative('', demo.folder) || '.'}/demo.json, logs/`,
    '',
    'Platforms',
    ...columns(platforms(demo)),
    '',
    'Locks (label, PIN, key, company, what happens)',
    ...columns(locks(demo)),
    '',
    'Try first',
    ...told,
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
}
