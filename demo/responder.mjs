// One authority's OCSP answers, made by `openssl ocsp` over the index that `openssl ca` keeps, and the
// wrong answers that tests ask for.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openssl, SM2_ID } from '../keys/openssl.mjs';
import { children, element, encode, slice } from './der.mjs';

const MINUTES = 10; // how long an answer lives
const OLD_DAYS = 400;
const SEQUENCE = 0x30;
const REQUEST_EXTENSIONS = 0xa2;
// OCSPResponse { tryLater } (RFC 6960 section 4.2.1).
const TRY_LATER = Buffer.from('30030a0103', 'hex');

// Calls work(folder) with a private folder that is gone afterwards.
async function inScratch(work) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tamga-ocsp-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// What openssl answers to a request. signer: the name of certificate and key that sign.
function ask(authority, request, { index = 'intermediate.index', signer = 'responder' } = {}) {
  return inScratch(async (scratch) => {
    const [question, answer] = ['question', 'answer'].map((name) => path.join(scratch, name));
    await writeFile(question, request);
    const status = index ?? path.join(scratch, 'empty');
    if (!index) await writeFile(status, '');
    const who = ['-CA', 'intermediate.crt', '-rsigner', `${signer}.crt`, '-rkey', `${signer}.key`];
    const how = ['-rmd', authority.digest, '-nmin', String(MINUTES)];
    if (authority.kind === 'sm2') how.push('-rsigopt', SM2_ID);
    await openssl(
      ['ocsp', '-index', status, ...who, ...how, '-reqin', question, '-respout', answer],
      { cwd: authority.folder },
    );
    return readFile(answer);
  });
}

function sign(authority, bytes) {
  return inScratch(async (scratch) => {
    const file = path.join(scratch, 'signed');
    await writeFile(file, bytes);
    const digest = ['-rawin', '-digest', authority.digest];
    const id = authority.kind === 'sm2' ? ['-pkeyopt', SM2_ID] : [];
    const key = ['-inkey', authority.file('responder.key')];
    return openssl(['pkeyutl', '-sign', ...key, ...digest, ...id, '-in', file]);
  });
}

// Moves every GeneralizedTime in the bytes into the past; lengths stay.
function aged(bytes, days) {
  const text = bytes.toString('latin1').replace(/\x18\x0f(\d{14})Z/g, (_, digits) => {
    const iso = digits.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z');
    const earlier = new Date(Date.parse(iso) - days * 86400e3).toISOString();
    return `\x18\x0f${earlier.replace(/[-:T]|\.\d+/g, '')}`;
  });
  return Buffer.from(text, 'latin1');
}

// A response whose dates are old and whose signature and nonce are right.
async function oldAnswer(authority, request) {
  const response = await ask(authority, request);
  const [status, wrapped] = children(response, element(response, 0));
  const [bytes] = children(response, wrapped);
  const [type, octets] = children(response, bytes);
  const basic = element(response, octets.body);
  const [data, algorithm, , certificates] = children(response, basic);
  const signed = aged(slice(response, data), OLD_DAYS);
  const signature = encode(0x03, Buffer.from([0]), await sign(authority, signed));
  const rest = [slice(response, algorithm), signature, slice(response, certificates)];
  const octetString = encode(0x04, encode(SEQUENCE, signed, ...rest));
  const inner = encode(SEQUENCE, slice(response, type), octetString);
  return encode(SEQUENCE, slice(response, status), encode(0xa0, inner));
}

// The request without its extensions, so without its nonce.
function withoutNonce(request) {
  const [asked, ...others] = children(request, element(request, 0));
  const kept = children(request, asked).filter(({ tag }) => tag !== REQUEST_EXTENSIONS);
  const bare = encode(SEQUENCE, ...kept.map((one) => slice(request, one)));
  return encode(SEQUENCE, bare, ...others.map((one) => slice(request, one)));
}

const ANSWERS = {
  none: ask,
  garbage: async () => randomBytes(512),
  old: oldAnswer,
  unknown: (authority, request) => ask(authority, request, { index: null }),
  stranger: (authority, request) => ask(authority, request, { signer: 'root' }),
  no_nonce: (authority, request) => ask(authority, withoutNonce(request)),
  try_later: async () => TRY_LATER,
};

// answer(authority, request, fault): DER. fault is a name of ANSWERS; others answer rightly.
export function answer(authority, request, fault) {
  return (ANSWERS[fault] ?? ask)(authority, request);
}

export const ANSWER_FAULTS = Object.keys(ANSWERS);
