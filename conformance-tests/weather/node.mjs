// One node of an installation: it can be ended in every way there is, and started again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { openSync, closeSync } from 'node:fs';
import { providerProgram } from '../../demo/settings.mjs';
import { until } from '../lib/process.mjs';
import { Wire } from './wire.mjs';

const START_MS = 60e3;
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Node {
  // {name, address, port, operatePort, settings, log}
  constructor(what) {
    Object.assign(this, what);
    this.origin = `http://${this.address}:${this.port}`;
    this.wire = new Wire(`http://${this.address}:${this.operatePort}`, { connections: 2 });
  }

  async start() {
    const log = openSync(this.log, 'a', 0o600);
    const args = ['serve', '--settings', this.settings];
    this.child = spawn(providerProgram(), args, { stdio: ['ignore', log, log] });
    closeSync(log);
    running.add(this.child);
    this.ended = once(this.child, 'exit').then(([code, signal]) => {
      running.delete(this.child);
      return { code, signal };
    });
    await until(() => this.isReady(), this.name, START_MS);
  }

  async isReady() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      throw new Error(`${this.name} ended: ${(await readFile(this.log, 'utf8')).slice(-600)}`);
    }
    return (await this.wire.send('/readyz')).status === 200;
  }

  stop(signal = 'SIGTERM') {
    if (!this.child) return {};
    this.child.kill(signal);
    return this.ended;
  }
}
