// Just enough DER to falsify OCSP messages on purpose: definite lengths, one-byte tags.

// The element at an offset: {tag, start, body, end}; start to end are its bytes, body its content.
export function element(bytes, start) {
  const first = bytes[start + 1];
  const count = first < 0x80 ? 0 : first & 0x7f;
  const length = count === 0 ? first : bytes.readUIntBE(start + 2, count);
  const body = start + 2 + count;
  return { tag: bytes[start], start, body, end: body + length };
}

// The elements inside one.
export function children(bytes, parent) {
  const found = [];
  for (let at = parent.body; at < parent.end;) {
    const next = element(bytes, at);
    found.push(next);
    at = next.end;
  }
  return found;
}

export function slice(bytes, one) {
  return bytes.subarray(one.start, one.end);
}

// An element of that tag around the parts.
export function encode(tag, ...parts) {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const digits = content.length.toString(16);
  const length = Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}
