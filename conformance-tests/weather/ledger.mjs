// What the providers acknowledged, and what they may therefore never forget or take back. A broken
// promise is written down at once, with what was said and what was expected.
const PAST = 0.99;

export class Ledger {
  constructor() {
    this.tokens = new Map(); // access token -> {client, state, since}: active, ended or unsure
    this.counts = new Map(); // what was acknowledged -> how often
    this.later = new Map(); // what was put off (503, no answer) -> how often
    this.times = new Map(); // call -> milliseconds of good answers
    this.broken = [];
  }

  acknowledge(what) {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  postpone(what) {
    this.later.set(what, (this.later.get(what) ?? 0) + 1);
  }

  time(what, ms) {
    if (!this.times.has(what)) this.times.set(what, []);
    this.times.get(what).push(ms);
  }

  breaks(promise, detail) {
    this.broken.push({ promise, detail, at: new Date().toISOString() });
  }

  issue(token, client) {
    this.tokens.set(token, { client, state: 'active' });
  }

  // A grant's tokens change their state together.
  mark(tokens, state) {
    for (const token of tokens) this.tokens.get(token).state = state;
  }

  sum(map = this.counts) {
    return [...map.values()].reduce((sum, n) => sum + n, 0);
  }

  // {what: {n, p50, p99}} in milliseconds.
  percentiles() {
    const at = (sorted, part) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
    return Object.fromEntries(
      [...this.times].map(([what, all]) => {
        const sorted = all.toSorted
          ? all.toSorted((a, b) => a - b)
          : [...all].sort((a, b) => a - b);
        const ms = (part) => Math.round(at(sorted, part) * 10) / 10;
        return [what, { n: sorted.length, p50: ms(0.5), p99: ms(PAST) }];
      }),
    );
  }
}
