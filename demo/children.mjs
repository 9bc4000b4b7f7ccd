// The programs that the starter runs: each with a log file, watched, and stopped together.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { moduleFor } from './https.mjs';

const READY_MS = 20e3;
const GRACE_MS = 5e3;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function accepts({ hostname, port }) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function answers(url) {
  if (url.startsWith('tcp:')) return accepts(new URL(url));
  return new Promise((resolve) => {
    const request = moduleFor(url).get(url, { timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode < 500);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

async function lastLine(file) {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split('\n').pop();
}

export class Children {
  // logs: the folder of the log files.
  constructor(logs) {
    this.logs = logs;
    this.all = [];
    this.stopping = false;
    // Fails with the reason when a program ends that was not asked to.
    this.failure = new Promise((_, reject) => (this.fail = reject));
    this.failure.catch(() => {});
  }

  // Starts a program. probe: an address that answers once it is up, or
  // accepts connections (tcp:). Resolves to its process id.
  async start(name, program, args, { env = {}, probe } = {}) {
    const log = path.join(this.logs, `${name.replace(/ /g, '-')}.log`);
    const file = await open(log, 'w', 0o600);
    if (this.stopping) throw new Error('stopped');
    const child = spawn(program, args, {
      stdio: ['ignore', file.fd, file.fd],
      env: { ...process.env, ...env },
    });
    await file.close();
    const one = { name, child, log, ended: false };
    this.all.push(one);
    child.once('error', (error) => this.ended(one, error.message));
    child.once('exit', (code, signal) => this.ended(one, signal ?? `exit ${code}`));
    if (probe) await Promise.race([this.failure, this.untilReady(one, probe)]);
    return child.pid;
  }

  async ended(one, how) {
    one.ended = true;
    if (this.stopping) return;
    const said = await lastLine(one.log);
    this.fail(new Error(`${one.name} ended (${how})${said ? `: ${said}` : ''}`));
  }

  async untilReady(one, probe) {
    const end = Date.now() + READY_MS;
    while (!one.ended) {
      if (await answers(probe)) return;
      if (Date.now() > end) throw new Error(`${one.name} does not answer at ${probe}: ${one.log}`);
      await sleep(50);
    }
    await this.failure; // tells why it ended
  }

  // Asks all to end, the last started first, and kills what has not ended after five seconds.
  async stop() {
    this.stopping = true;
    const running = this.all.filter((one) => !one.ended).reverse();
    const ends = running.map((one) => once(one.child, 'exit').catch(() => {}));
    running.forEach((one) => one.child.kill('SIGTERM'));
    const late = setTimeout(() => {
      running.filter((one) => !one.ended).forEach((one) => one.child.kill('SIGKILL'));
    }, GRACE_MS);
    await Promise.all(ends);
    clearTimeout(late);
  }
}
