// A Redis server of a test's own: nothing of it lies on a disk, so that it starts empty again.
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { freePort, start, until } from './process.mjs';
import { folderFor, nobody } from './service.mjs';

const SETTINGS = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];

export class Redis {
  static async make(folder, { maxmemory } = {}) {
    const server = new Redis();
    server.folder = await folderFor(folder);
    server.port = await freePort();
    server.password = `pw-${Math.random().toString(36).slice(2)}`;
    server.maxmemory = maxmemory;
    return server;
  }

  async start() {
    const limit = this.maxmemory ? ['--maxmemory', this.maxmemory] : [];
    const where = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder];
    const args = [...where, '--requirepass', this.password, ...SETTINGS, ...limit];
    this.program = start('redis-server', args, { cwd: '/', ...nobody });
    await until(() => this.isReady(), 'Redis');
    return this;
  }

  async isReady() {
    if (this.program.child.exitCode !== null) throw new Error(this.program.output());
    return (await this.ask('PING')) === '+PONG';
  }

  uri() {
    return `redis://127.0.0.1:${this.port}`;
  }

  async passwordFile(file) {
    await writeFile(file, this.password, { mode: 0o600 });
    return file;
  }

  // The first line of what a command answers.
  ask(command) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port: this.port });
      let text = '';
      socket.on('error', reject);
      socket.on('data', (part) => {
        text += part;
        const lines = text.split('\r\n');
        if (lines.length < 3) return;
        socket.destroy();
        resolve(lines[1]); // the first one answers AUTH
      });
      socket.on('close', () => reject(new Error(`Redis said ${text}`)));
      socket.write(`AUTH ${this.password}\r\n${command}\r\n`);
    });
  }

  // What its values and buffers take now, in bytes.
  async memoryUsed() {
    const script = "return tonumber(redis.call('INFO','memory'):match('used_memory:(%d+)'))";
    return Number((await this.ask(`EVAL "${script}" 0`)).slice(1));
  }

  // Bytes it may use; 0: as many as it wants.
  async limit(bytes) {
    const said = await this.ask(`CONFIG SET maxmemory ${bytes}`);
    if (said !== '+OK') throw new Error(`Redis said ${said}`);
  }

  async kill() {
    this.program.child.kill('SIGKILL');
    await this.program.exit;
  }

  freeze() {
    this.program.child.kill('SIGSTOP');
  }

  thaw() {
    this.program.child.kill('SIGCONT');
  }

  stop() {
    this.thaw();
    return this.program.stop('SIGTERM');
  }
}
