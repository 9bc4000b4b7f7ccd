// Requests as the bytes that go over the wire, files of them for the load program, and what came
// back.
import { readFile, writeFile } from 'node:fs/promises';

// One request: {method, path, headers, body}, in the order in which a plain client would say it.
export function request(place, { method = 'GET', path, headers = {}, body }) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${place.address}:${place.port}`,
    'User-Agent: tamga-bench',
    'Accept: */*',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
}

export async function writeRequests(file, requests) {
  const parts = requests.flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  await writeFile(file, Buffer.concat(parts), { mode: 0o600 });
}

function parse(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: bytes.toString('utf8', end + 4),
  };
}

// The answers that the load program kept: [{status, headers, body}], in the requests' order.
export async function readAnswers(file) {
  const bytes = await readFile(file);
  const answers = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    answers.push(parse(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return answers;
}
