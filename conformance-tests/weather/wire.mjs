// One call of a client in the weather: what came back, how long it took, and what it means for
// somebody who wants to know whether to try again.
import http from 'node:http';
import https from 'node:https';

const PATIENCE_MS = 25e3; // longer than any deadline on the way: who waits this long was left hanging
const GATEWAY = new Set([502, 504]); // nginx: no node answered

export class Lost extends Error {} // no answer came: whether it was done is not known

export class Wire {
  // origin: of the proxy or of a node; ca: who signed its certificate, for https.
  constructor(origin, { ca, connections = 64 } = {}) {
    this.origin = origin;
    this.module = origin.startsWith('https:') ? https : http;
    this.agent = new this.module.Agent({ keepAlive: true, maxSockets: connections, ca });
  }

  // {status, headers, text, ms}; throws Lost.
  send(path, { method = 'GET', headers = {}, body } = {}) {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const began = performance.now();
    const options = { method, headers: { ...length, ...headers }, agent: this.agent };
    return new Promise((resolve, reject) => {
      const lost = (error) => reject(new Lost(`${method} ${path}: ${error.code ?? error.message}`));
      const url = new URL(path, this.origin);
      const call = this.module.request(url, { ...options, timeout: PATIENCE_MS }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', lost);
        answer.on('end', () => {
          const { statusCode: status, headers: got } = answer;
          const text = Buffer.concat(parts).toString();
          resolve({ status, headers: got, text, ms: performance.now() - began });
        });
      });
      call.on('timeout', () => call.destroy(new Error('hung')));
      call.on('error', lost);
      call.end(body);
    });
  }

  close() {
    this.agent.destroy();
  }
}

// Whether the answer asks to try again later. A node says when; nginx does not.
export function saysLater({ status, headers }) {
  if (status === 503) return headers['retry-after'] !== undefined;
  return GATEWAY.has(status);
}

export const form = (fields) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
});
