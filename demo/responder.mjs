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

// What openssl answers to a request. index(text): the certificates' index that it goes by; signer:
// the name of certificate and key that sign.
function ask(authority, request, { index = (text) => text, signer = 'responder' } = {}) {
  return inScratch(async (scratch) => {
    const [question, answer, status] = ['question', 'answer', 'index'].map((name) =>
      path.join(scratch, name),
    );
    await writeFile(question, request);
    await writeFile(status, index(await readFile(authority.file('intermediate.index'), 'utf8')));
    await writeFile(`${status}.attr`, 'unique_subject = no\n'); // renewed locks have the same
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

function sign(authority, bytes, name) {
  return inScratch(async (scratch) => {
    const file = path.join(scratch, 'signed');
    await writeFile(file, bytes);
    const digest = ['-rawin', '-digest', authority.digest];
    const id = authority.kind === 'sm2' ? ['-pkeyopt', SM2_ID] : [];
    const key = ['-inkey', authority.file(`${name}.key`)];
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

// A response with its signed part changed and signed again by the key of that name.
async function signedAgain(authority, response, { change = (signed) => signed, key }) {
  const [status, wrapped] = children(response, element(response, 0));
  const [bytes] = children(response, wrapped);
  const [type, octets] = children(response, bytes);
  const basic = element(response, octets.body);
  const [data, algorithm, , certificates] = children(response, basic);
  const signed = change(slice(response, data));
  const signature = encode(0x03, Buffer.from([0]), await sign(authority, signed, key));
  const rest = [slice(response, algorithm), signature, slice(response, certificates)];
  const octetString = encode(0x04, encode(SEQUENCE, signed, ...rest));
  const inner = encode(SEQUENCE, slice(response, type), octetString);
  return encode(SEQUENCE, slice(response, status), encode(0xa0, inner));
}

// A response whose dates are old and whose signature and nonce are right.
async function oldAnswer(authority, request) {
  const change = (signed) => aged(signed, OLD_DAYS);
  return signedAgain(authority, await ask(authority, request), { change, key: 'responder' });
}

// "good" about whatever is asked, revoked or not: the responder's name, and another's signature.
async function lie(authority, request) {
  const index = (text) => text.replace(/^R\t([^\t]*)\t[^\t]*\t/gm, 'V\t$1\t\t');
  return signedAgain(authority, await ask(authority, request, { index }), { key: 'root' });
}

// The request with the CertID's parts (algorithm, name hash, key hash, serial) changed.
function withCertId(request, change) {
  const [asked, ...others] = children(request, element(request, 0));
  const [list, ...rest] = children(request, asked);
  const [id] = children(request, children(request, list)[0]);
  const parts = children(request, id).map((one) => slice(request, one));
  const changed = encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, ...change(parts))));
  const whole = encode(SEQUENCE, changed, ...rest.map((one) => slice(request, one)));
  return encode(SEQUENCE, whole, ...others.map((one) => slice(request, one)));
}

// A right answer to another question: about another good certificate …
async function aboutAnother(authority, request) {
  const index = await readFile(authority.file('intermediate.index'), 'utf8');
  const serials = [...index.matchAll(/^V\t[^\t]*\t\t([0-9A-F]+)\t/gm)].map(([, hex]) => hex);
  const asked = (serial) => serial.toString('hex').toUpperCase();
  const change = ([algorithm, names, keys, serial]) => {
    const other = serials.find((hex) => !asked(serial).endsWith(hex));
    const padded = Buffer.from(/^[89A-F]/.test(other) ? `00${other}` : other, 'hex');
    return [algorithm, names, keys, encode(0x02, padded)];
  };
  return ask(authority, withCertId(request, change));
}

// … or about the same number of another issuer.
function aboutAnotherIssuer(authority, request) {
  const change = ([algorithm, names, keys, serial]) => {
    const { body, end } = element(keys, 0);
    return [algorithm, names, encode(0x04, randomBytes(end - body)), serial];
  };
  return ask(authority, withCertId(request, change));
}

// The request without its extensions, so without its nonce.
function withoutNonce(request) {
  const [asked, ...others] = children(request, element(request, 0));
  const kept = children(request, asked).filter(({ tag }) => tag !== REQUEST_EXTENSIONS);
  const bare = encode(SEQUENCE, ...kept.map((one) => slice(request, one)));
  return encode(SEQUENCE, bare, ...others.map((one) => slice(request, one)));
}

const rightly = new Map(); // folder -> the last right answer

async function answerRightly(authority, request) {
  const response = await ask(authority, request);
  rightly.set(authority.folder, response);
  return response;
}

const ANSWERS = {
  none: answerRightly,
  garbage: async () => randomBytes(512),
  old: oldAnswer,
  replay: async (authority, request) =>
    rightly.get(authority.folder) ?? answerRightly(authority, request),
  unknown: (authority, request) => ask(authority, request, { index: () => '' }),
  stranger: (authority, request) => ask(authority, request, { signer: 'root' }),
  lying: lie,
  other_serial: aboutAnother,
  other_issuer: aboutAnotherIssuer,
  no_nonce: (authority, request) => ask(authority, withoutNonce(request)),
  try_later: async () => TRY_LATER,
};

// answer(authority, request, fault): DER. fault is a name of ANSWERS; others answer rightly.
export function answer(authority, request, fault) {
  return (ANSWERS[fault] ?? answerRightly)(authority, request);
}

export const ANSWER_FAULTS = Object.keys(ANSWERS);
