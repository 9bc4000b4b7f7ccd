// The figures, for people.
const COLUMNS = [
  ['row', ({ name }) => name],
  ['rate/s', ({ rate }) => rate.toFixed(0)],
  ['per core/s', (row) => row.rate_per_core.toFixed(0)],
  ['p50 ms', (row) => row.p50_ms.toFixed(2)],
  ['p99 ms', (row) => row.p99_ms.toFixed(2)],
  ['CPU us', (row) => row.cpu_us_per_call.toFixed(1)],
  ['ceiling us', (row) => row.ceiling_us.toFixed(1)],
  ['ratio', ({ ratio }) => ratio.toFixed(2)],
  ['spread', (row) => `${row.ratio_least.toFixed(2)}-${row.ratio_most.toFixed(2)}`],
  ['kv trips', (row) => row.kv_trips.toFixed(2)],
  ['sql trips', (row) => row.sql_trips.toFixed(2)],
  ['goal', ({ goal }) => goal.toFixed(2)],
  ['', ({ ratio, goal }) => (ratio >= goal ? 'met' : 'missed')],
];

function parts({ name, ceiling_parts: all, calls_per_commit: group }) {
  const words = Object.entries(all).map(([what, us]) => `${what} ${us.toFixed(1)}`);
  const commits = group === undefined ? '' : ` (${group.toFixed(1)} calls a commit)`;
  return `  ${name}: ${words.join(' + ')}${commits}`;
}

export function table(rows, alone) {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...rows.map((row) => COLUMNS.map(([, show]) => show(row))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const pad = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
  const lines = cells.map((line) => line.map(pad).join('  ').trimEnd());
  const others = alone.map(({ name, value }) => `${name} ${value.toFixed(value < 10 ? 2 : 1)}`);
  return [
    ...lines,
    '',
    'What a ceiling is made of, in us of CPU:',
    ...rows.map(parts),
    '',
    ...others,
  ].join('\n');
}
