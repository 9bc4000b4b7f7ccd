// HTTP without help: what was sent is what stands here, what came back is not judged.
import { moduleFor } from '../../demo/https.mjs';
import { Portal } from '../../demo/portal.mjs';

// {status, headers, text, json() , location (a URL or undefined)}
export function request(url, { method = 'GET', headers = {}, body, agent } = {}) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const options = { method, headers: { ...length, ...headers }, agent };
    const call = moduleFor(url).request(url, options, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve(answerOf(url, response, Buffer.concat(parts))));
    });
    call.on('error', reject);
    call.end(body);
  });
}

function answerOf(url, { statusCode: status, headers }, bytes) {
  const { location } = headers;
  return {
    status,
    headers,
    bytes,
    text: bytes.toString(),
    json: () => JSON.parse(bytes.toString()),
    location: location === undefined ? undefined : new URL(location, url),
  };
}

export function postForm(url, fields, headers = {}) {
  const body = fields instanceof URLSearchParams ? fields : new URLSearchParams(fields);
  const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return request(url, { method: 'POST', headers: { ...type, ...headers }, body: `${body}` });
}

export function postJson(url, value, headers = {}) {
  const type = { 'Content-Type': 'application/json' };
  const body = JSON.stringify(value);
  return request(url, { method: 'POST', headers: { ...type, ...headers }, body });
}

// A browser without pages: the demo's Portal, which can also go to addresses and keeps cookies.
export class Visitor extends Portal {
  cookieHeader() {
    return [...this.cookies].map((pair) => pair.join('=')).join('; ');
  }

  async visit(address, options = {}) {
    const headers = { ...(this.cookies.size > 0 ? { Cookie: this.cookieHeader() } : {}) };
    const url = new URL(address, this.issuer);
    const answer = await request(url, { ...options, headers: { ...headers, ...options.headers } });
    this.keepCookies(answer.headers);
    return answer;
  }

  // A POST whose headers are the caller's business: {status, headers, json()}.
  async raw(path, value, headers = {}) {
    const usual = {
      Origin: this.issuer,
      'Content-Type': 'application/json',
      'X-Tamga-Token': this.token,
    };
    const all = Object.entries({ ...usual, ...headers }).filter(([, text]) => text !== undefined);
    const body = typeof value === 'string' ? value : JSON.stringify(value);
    const answer = await this.visit(path, {
      method: 'POST',
      headers: Object.fromEntries(all),
      body,
    });
    if (answer.status === 200) this.token = answer.json().token ?? this.token;
    return answer;
  }
}
