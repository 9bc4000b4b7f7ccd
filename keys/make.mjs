// node keys/make.mjs FOLDER: makes a development region (authorities, locks, soft tokens) there, and its
// signed trust list with the addresses of the demo. A region that is there and up to date is kept.
import path from 'node:path';
import { region } from './region.mjs';
import { trustList } from './trust-list.mjs';
import { writeSigned } from './trust-signatures.mjs';

const folder = process.argv[2];
if (!folder) {
  console.error('usage: node keys/make.mjs FOLDER');
  process.exit(2);
}
try {
  const made = await region(folder, (text) => console.log(text));
  const listed = made.authorities.filter((each) => !each.unlisted);
  const list = await trustList(
    listed.map((each, i) => ({ ...each, address: `http://127.0.0.${51 + i}:8500` })),
  );
  const file = path.join(made.folder, 'trust-list.json');
  const issuer = 'https://127.0.0.1:8080'; // the demo's
  await writeSigned(file, JSON.stringify(list, null, 2), { managers: made.managers, issuer });
  console.log(`${made.folder}: ${listed.length} authorities, ${made.locks.length} locks`);
} catch (error) {
  console.error(`keys: ${error.message}`);
  process.exit(1);
}
