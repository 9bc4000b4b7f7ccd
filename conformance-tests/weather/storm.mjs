// One weather over one installation, from the first bidder to the last question afterwards.
import { Installation } from './installation.mjs';
import { judge } from './judge.mjs';
import { Load } from './load.mjs';

async function through(place, weather, amount, more = {}, disk = undefined) {
  const installation = await Installation.open(place, { ...weather.open, ...more });
  installation.disk = disk;
  const load = new Load(installation).start();
  try {
    await weather.run({ installation, load, ledger: load.ledger, amount });
    await load.stop();
    await installation.untilAllAreReady();
    return await judge(installation, load.ledger);
  } finally {
    await load.stop();
    await installation.close();
  }
}

// {name, seconds, acknowledged, later, percentiles, broken} or {name, skipped: why}.
export async function storm(place, weather, amount) {
  const began = Date.now();
  const ledger = weather.around
    ? await weather.around(place, (more, disk) => through(place, weather, amount, more, disk))
    : await through(place, weather, amount);
  if (ledger.skipped) return { name: weather.name, skipped: ledger.skipped };
  return {
    name: weather.name,
    seconds: Math.round((Date.now() - began) / 1000),
    acknowledged: ledger.sum(),
    later: Object.fromEntries(ledger.later),
    put_off: ledger.sum(ledger.later),
    percentiles: ledger.percentiles(),
    broken: ledger.broken,
  };
}
