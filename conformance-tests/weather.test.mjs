// A slice of bad weather: the whole of it is `make weather`.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from './lib/process.mjs';
import { Place } from './weather/place.mjs';
import { storm } from './weather/storm.mjs';
import { weathers } from './weather/weathers.mjs';

const SLICE = [
  ['nodes-killed', 0.15, 'three nodes killed: nothing that was acknowledged is lost'],
  ['redis-empty', 0.2, 'Redis comes back empty: good tokens are good, ended ones dead'],
  ['postgres-killed', 0.2, 'PostgreSQL killed: nothing is missing, nothing half-done'],
  ['together', 0.2, 'sixty-four redeem one code and one refresh token: one success each'],
  ['rolling-restart', 0.3, 'all nodes are restarted one after the other: no request fails'],
  ['sqlite-killed', 0.1, 'the embedded stores survive kill -9'],
];

let place;
before(async () => (place = await Place.make(path.join(ROOT, 'build/weather'))));
after(() => place?.close());

for (const [name, amount, sentence] of SLICE) {
  test(sentence, { timeout: 300e3 }, async () => {
    const weather = weathers.find((each) => each.name === name);
    const { broken, acknowledged } = await storm(place, weather, amount);
    assert.deepEqual(broken, []);
    assert.ok(acknowledged > 0);
  });
}
