// Reads a mail as the provider writes it: headers with encoded words, one part of text in base64.

// The headers, unfolded (RFC 5322 section 2.2.3), by their names in lower case; each has to be there
// once. {headers, body: the bytes behind the empty line}.
function split(raw) {
  const end = raw.indexOf('\r\n\r\n');
  if (end < 0) throw new Error('a mail without an end of its head');
  const lines = raw
    .subarray(0, end)
    .toString('latin1')
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = {};
  for (const line of lines) {
    const [, name, value] = /^([!-9;-~]+): (.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`no header: ${line}`);
    if (name.toLowerCase() in headers) throw new Error(`twice: ${name}`);
    headers[name.toLowerCase()] = value;
  }
  return { headers, body: raw.subarray(end + 4) };
}

// Encoded words (RFC 2047); the space between two of them belongs to neither.
function decodeWords(text) {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=/gi, (_, word) =>
      Buffer.from(word, 'base64').toString('utf8'),
    );
}

// {headers (decoded), subject, text} of a whole message.
export function readLetter(raw) {
  const { headers, body } = split(raw);
  for (const name of Object.keys(headers)) headers[name] = decodeWords(headers[name]);
  if (headers['content-transfer-encoding'] !== 'base64') throw new Error('not in base64');
  const text = Buffer.from(body.toString('latin1'), 'base64').toString('utf8');
  return { headers, subject: headers.subject, text: text.replace(/\r\n/g, '\n') };
}
