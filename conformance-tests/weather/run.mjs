// make weather: every weather, one after the other, each over an installation of its own.
//
//   node conformance-tests/weather/run.mjs [--only NAME,NAME] [--amount 1] [--folder build/weather]
//
// Prints what was promised, what was put off, how long calls took; exits 1 when a promise was broken.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../lib/process.mjs';
import { Place } from './place.mjs';
import { storm } from './storm.mjs';
import { weathers } from './weathers.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    amount: { type: 'string', default: '1' },
    folder: { type: 'string', default: path.join(ROOT, 'build/weather') },
  },
});

const wanted = weathers.filter(
  ({ name }) => !options.only || options.only.split(',').includes(name),
);

function print({
  name,
  seconds,
  skipped,
  acknowledged,
  later,
  put_off: putOff,
  percentiles,
  broken,
}) {
  if (skipped) return console.log(`${name}: left out: ${skipped}`);
  const sums = `${acknowledged} acknowledged, ${putOff} put off, ${broken.length} broken`;
  console.log(`${name} (${seconds} s): ${sums}`);
  const words = Object.entries(later).map(([what, n]) => `${what} ${n}×`);
  if (words.length > 0) console.log(`    put off: ${words.join(', ')}`);
  for (const [what, { n, p50, p99 }] of Object.entries(percentiles)) {
    console.log(`    ${what.padEnd(24)} ${String(n).padStart(6)}   p50 ${p50} ms   p99 ${p99} ms`);
  }
  for (const { promise, detail } of broken.slice(0, 20)) {
    console.log(`    BROKEN: ${promise}: ${detail}`);
  }
  return undefined;
}

const place = await Place.make(path.resolve(options.folder), (text) => console.log(`· ${text}`));
const results = [];
try {
  for (const weather of wanted) {
    const result = await storm(place, weather, Number(options.amount));
    print(result);
    results.push(result);
  }
} finally {
  await place.close();
}
await writeFile(path.join(ROOT, 'build/weather.json'), JSON.stringify(results, null, 2));
const broken = results.reduce((sum, result) => sum + (result.broken?.length ?? 0), 0);
console.log(broken === 0 ? 'every promise was kept' : `${broken} promises were broken`);
process.exit(broken === 0 ? 0 : 1);
