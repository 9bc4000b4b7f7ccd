// Status services that others wrote, over the folders of the demo's authorities: started by a test at
// a free port, with an index of its own, and ended by their process id. A recorder stands before
// each, keeps what was asked, and stays where it is when another responder takes the place.
import http from 'node:http';
import path from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { SM2_ID } from '../../keys/openssl.mjs';
import { freePort, listens, ROOT, start, until } from './process.mjs';

const MINUTES = 10;

function openssl({ kind, folder }, index, port) {
  const who = ['-CA', 'intermediate.crt', '-rsigner', 'responder.crt', '-rkey', 'responder.key'];
  const digest = kind === 'sm2' ? ['-rmd', 'sm3', '-rsigopt', SM2_ID] : ['-rmd', 'sha256'];
  const how = ['-index', index, '-port', String(port), '-nmin', String(MINUTES), '-ignore_err'];
  return start('openssl', ['ocsp', ...who, ...digest, ...how], { cwd: folder });
}

// Debian's python, whatever else is called python3 here: the package belongs to it.
function cryptography({ folder }, index, port) {
  const program = path.join(ROOT, 'conformance-tests/responders/cryptography-responder.py');
  const where = ['--folder', folder, '--index', index, '--port', String(port)];
  return start('/usr/bin/python3', [program, ...where]);
}

export const IMPLEMENTATIONS = {
  'openssl ocsp': {
    begin: openssl,
    // a connection without a question keeps it busy for ever
    isReady: (responder) => responder.output().includes('waiting for OCSP client'),
    kinds: ['rsa', 'p256', 'sm2'],
  },
  'python3-cryptography': {
    begin: cryptography,
    isReady: (responder, port) => listens('127.0.0.1', port),
    kinds: ['rsa', 'p256'],
  },
};

// The authority's folder and the kind of its keys.
export function shopOf({ id, intermediate }) {
  return { kind: id.replace(/.*-/, ''), folder: path.dirname(intermediate) };
}

// What an index says of a certificate: state(line's fields) gives the fields anew, or null for none.
export async function indexOf({ folder }, file, state) {
  const text = await readFile(path.join(folder, 'intermediate.index'), 'utf8');
  const lines = text.trimEnd().split('\n');
  const kept = lines.map((line) => state(line.split('\t'))).filter(Boolean);
  await writeFile(file, kept.map((fields) => `${fields.join('\t')}\n`).join(''));
  // openssl reads it, too: renewed locks have the same subject
  await writeFile(`${file}.attr`, 'unique_subject = no\n');
  return file;
}

// One attempt: {responder, port}, or null where somebody else was quicker at the port.
async function begin(implementation, shop, index) {
  const { begin: launch, isReady } = IMPLEMENTATIONS[implementation];
  const port = await freePort('0.0.0.0'); // openssl takes it on every address
  const responder = launch(shop, index, port);
  let ended = false;
  responder.exit.then(() => (ended = true));
  await until(() => ended || isReady(responder, port), implementation);
  return ended ? null : { responder, port };
}

export class Recorder {
  static async open() {
    const recorder = new Recorder();
    recorder.asked = []; // {method, path, type, body}
    recorder.server = http.createServer((request, response) => recorder.pass(request, response));
    await new Promise((resolve) => recorder.server.listen(0, '127.0.0.1', resolve));
    recorder.url = `http://127.0.0.1:${recorder.server.address().port}/ocsp`;
    return recorder;
  }

  // Puts a responder behind it, in the place of the one before.
  async lead(implementation, shop, index) {
    await this.responder?.stop('SIGKILL');
    const begun = await until(() => begin(implementation, shop, index), implementation);
    Object.assign(this, begun);
  }

  async pass(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { method, url, headers } = request;
    const body = Buffer.concat(parts);
    this.asked.push({ method, path: url, type: headers['content-type'], body });
    const { 'content-type': type, accept } = headers;
    const kept = { ...(type ? { 'Content-Type': type } : {}), ...(accept ? { accept } : {}) };
    const length = body.length > 0 ? { 'Content-Length': body.length } : {};
    const options = { host: '127.0.0.1', port: this.port, method, agent: false };
    const onward = http.request(
      { ...options, path: url.replace('/ocsp', '') || '/', headers: { ...kept, ...length } },
      (answer) => {
        response.writeHead(answer.statusCode, { 'Content-Type': answer.headers['content-type'] });
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    onward.end(body);
  }

  async close() {
    await this.responder?.stop('SIGKILL');
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
