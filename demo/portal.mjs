// A browser's part without a browser: the provider's JSON calls with a session of their own.
// Tests use it where no page is needed.
import { moduleFor } from './https.mjs';

// One call; what came back, unjudged: {status, headers, body}.
function send(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = moduleFor(url).request(url, { method, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status, headers: got } = response;
        resolve({ status, headers: got, body: Buffer.concat(parts).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

// What the provider refused, with its reason's code.
export class Refused extends Error {
  constructor(status, answer) {
    super(`${answer?.error?.code ?? status}: ${answer?.error?.message?.en ?? ''}`);
    this.status = status;
    this.code = answer?.error?.code;
    this.answer = answer;
  }
}

export class Portal {
  constructor(issuer) {
    this.issuer = issuer;
    this.cookies = new Map();
    this.token = '';
  }

  keepCookies(headers) {
    for (const line of headers['set-cookie'] ?? []) {
      const [pair] = line.split(';');
      const cut = pair.indexOf('=');
      this.cookies.set(pair.slice(0, cut), pair.slice(cut + 1));
    }
  }

  async call(method, path, value) {
    const headers = { Cookie: [...this.cookies].map((pair) => pair.join('=')).join('; ') };
    const body = value === undefined ? undefined : JSON.stringify(value);
    if (method === 'POST') {
      headers.Origin = this.issuer;
      headers['Content-Type'] = 'application/json';
      headers['Content-Length'] = Buffer.byteLength(body);
      headers['X-Tamga-Token'] = this.token;
    }
    const answer = await send(`${this.issuer}${path}`, { method, headers, body });
    this.keepCookies(answer.headers);
    const json = answer.body ? JSON.parse(answer.body) : {};
    if (answer.status >= 400) throw new Refused(answer.status, json);
    if (json.token) this.token = json.token;
    return json;
  }

  get(path) {
    return this.call('GET', path);
  }

  post(path, value = {}) {
    return this.call('POST', path, value);
  }

  // Opens the session: without it no POST is accepted.
  open() {
    return this.get('/api/session');
  }
}
