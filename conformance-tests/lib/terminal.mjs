// A program at a terminal of its own (script(1) makes one): what it shows there, and what is typed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './process.mjs';

const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

export class Terminal {
  constructor(program, args, env = {}) {
    const command = [program, ...args].map(quoted).join(' ');
    const how = { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] };
    this.child = spawn('script', ['-qec', command, '/dev/null'], how);
    this.shown = '';
    this.child.stdout.setEncoding('utf8').on('data', (part) => (this.shown += part));
    this.ended = once(this.child, 'close').then(([code]) => ({ code, shown: this.shown }));
  }

  // Waits until a question is shown, and types an answer with a line end.
  async answer(question, typed) {
    await until(() => this.shown.includes(question), question);
    this.child.stdin.write(`${typed}\n`);
  }
}
