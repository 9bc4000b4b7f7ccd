// The rows verify_*: what a verdict on a lock's answer costs in process, from the body to the verdict.
// bench-verify measures each beside what OpenSSL alone takes for what cannot be avoided.
import { median } from './measure.mjs';
import { verifications } from './programs.mjs';

const ROUNDS = 7;
const THREADS = 1;
const UNCHANGED = 0.9; // of the speed of the row without its ending

// Goals: with leaf and answer known, and with the leaf never seen.
const KINDS = [
  { kind: 'rsa', warm: 0.5, cold: 0.7 },
  { kind: 'p256', warm: 0.75, cold: 0.7 },
  { kind: 'sm2', warm: 0.9, cold: 0.7 },
];
const WEATHERS = ['', '_ca_dead', '_million_crl'];

const sum = (parts) => Object.values(parts).reduce((all, us) => all + us, 0);

export const verifyRows = KINDS.flatMap(({ kind, warm, cold }) =>
  WEATHERS.flatMap((weather) => [
    { name: `verify_${kind}${weather}`, kind, goal: warm, weather },
    { name: `verify_${kind}_cold${weather}`, kind, goal: cold, weather },
  ]),
);

function summarise({ name, goal, weather }, lines) {
  const rounds = lines.filter(({ row }) => row === name);
  const usual = lines.filter(({ row }) => row === name.slice(0, name.length - weather.length));
  const of = (pick) => median(rounds.map(pick));
  const us = of((one) => one.us);
  const ceiling = of(({ parts }) => sum(parts));
  const ratios = rounds.map((one) => sum(one.parts) / one.us);
  const parts = Object.keys(rounds[0].parts);
  return {
    name,
    rate: (1e6 * THREADS) / us,
    rate_per_core: 1e6 / us,
    p50_ms: of((one) => one.p50_us) / 1000,
    p99_ms: of((one) => one.p99_us) / 1000,
    cpu_us_per_call: us,
    ceiling_us: ceiling,
    ratio: ceiling / us,
    // The ceiling's, and that the ending changes nothing.
    goal: weather
      ? Math.max(goal, (UNCHANGED * ceiling) / median(usual.map((one) => one.us)))
      : goal,
    ratio_least: Math.min(...ratios),
    ratio_most: Math.max(...ratios),
    kv_trips: 1,
    sql_trips: 0,
    ceiling_parts: Object.fromEntries(parts.map((part) => [part, of((one) => one.parts[part])])),
  };
}

// Measures the rows among these, each kind of key by one program.
export async function measureVerify(rows, say) {
  const measured = [];
  for (const { kind } of KINDS) {
    const chosen = rows.filter((row) => row.kind === kind);
    if (chosen.length === 0) continue;
    say(chosen.map(({ name }) => name).join(', '));
    const lines = await verifications(kind, ROUNDS, THREADS);
    measured.push(...chosen.map((row) => summarise(row, lines)));
  }
  return measured;
}
