// An assistant of a test's own, beside the region's: which locks are plugged in, and what is wrong
// with them, is the test's to say. And the stand-in for an assistant of another version.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { postJson } from './http.mjs';
import { freePort, start, until } from './process.mjs';

export class Assistant {
  // origins: the providers' issuers it serves. The port stays the same from start to start.
  static async make(demo, { port } = {}) {
    const assistant = new Assistant();
    assistant.demo = demo;
    assistant.folder = await mkdtemp(path.join(tmpdir(), 'tamga-e2e-assistant-'));
    assistant.port = port ?? (await freePort());
    assistant.address = `http://127.0.0.1:${assistant.port}`;
    assistant.settings = path.join(assistant.folder, 'assistant.json');
    assistant.skf = path.join(assistant.folder, 'skf');
    assistant.faults = path.join(assistant.skf, 'faults');
    assistant.program = demo.assistant.program;
    assistant.env = { ...demo.assistant.env, TAMGA_SKF_DOUBLE: assistant.skf };
    return assistant;
  }

  // Writes the settings file: the demo's, changed.
  async write(change) {
    const usual = JSON.parse(await readFile(this.demo.assistant.settings, 'utf8'));
    const settings = { ...usual, listen: this.port, development: true, ...change };
    delete settings.log;
    await writeFile(this.settings, JSON.stringify(settings), { mode: 0o600 });
  }

  // The SKF locks of these labels are plugged in, none of them faulty, all PIN tries left.
  async plugIn(labels) {
    await rm(this.skf, { recursive: true, force: true });
    await mkdir(this.faults, { recursive: true });
    for (const label of labels) {
      const from = path.join(this.demo.assistant.env.TAMGA_SKF_DOUBLE, label);
      await cp(from, path.join(this.skf, label), { recursive: true });
    }
  }

  // Switches a fault of the SKF double on, until the next plugIn() or mend().
  fault(name, content = '') {
    return writeFile(path.join(this.faults, name), content);
  }

  mend(name) {
    return rm(path.join(this.faults, name), { force: true });
  }

  async start() {
    this.running = start(this.program, ['serve', '--settings', this.settings], { env: this.env });
    let ended = false;
    this.running.exit.then(() => (ended = true));
    await until(async () => ended || (await postJson(`${this.address}/status`, {})), this.address);
    if (ended) throw new Error(`the assistant did not start: ${this.running.output()}`);
  }

  async stop() {
    await this.running?.stop();
    this.running = undefined;
  }

  async close() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

// Something that answers /status as an assistant of that version would. Resolves to a server whose
// close() is a promise.
export async function standIn(port, origin, status) {
  const headers = {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Headers': 'content-type, x-tamga-agent',
    'Access-Control-Allow-Methods': 'POST',
    'Content-Type': 'application/json',
  };
  const server = http.createServer((request, response) => {
    response.writeHead(200, headers);
    response.end(request.method === 'OPTIONS' ? '' : JSON.stringify(status));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections?.();
      }),
  };
}
