// One certification authority of the demo region: a root, an intermediate that issues, and a
// responder that the intermediate delegates OCSP to. Everything is issued by `openssl ca`, whose
// index is then what the responder and the CRLs answer from.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeKey, openssl, SM2_ID } from './openssl.mjs';

const DAY = 86400e3;

// A date as `openssl ca` reads it, that many days from now.
function dateIn(days) {
  return new Date(Date.now() + days * DAY).toISOString().replace(/[-:T]|\.\d+/g, '');
}

// When the certificate of a line of the index was revoked, in ms since 1970: `YYMMDDHHMMSSZ,reason`.
function revokedAt(line) {
  const text = line.split('\t')[2].replace(/^(..)(..)(..)(..)(..)(..)Z.*/, '20$1-$2-$3T$4:$5:$6Z');
  return Date.parse(text);
}

function configuration(digest) {
  // What is revoked since a full list has an index of its own; all else is the issuer's.
  const issuer = (name, index = name) => `
[${index}]
database = ${index}.index
new_certs_dir = issued
certificate = ${name}.crt
private_key = ${name}.key
crlnumber = ${name}.crlnumber
crl_extensions = crl
rand_serial = yes
unique_subject = no
default_md = ${digest}
policy = any
preserve = yes
copy_extensions = none
`;
  return `[req]
distinguished_name = empty
string_mask = utf8only
[empty]
[any]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
organizationIdentifier = optional
serialNumber = optional
commonName = supplied
[crl]
authorityKeyIdentifier = keyid
${issuer('root')}${issuer('intermediate')}${issuer('intermediate', 'intermediate-delta')}`;
}

const ISSUER = [
  'basicConstraints = critical, CA:TRUE',
  'keyUsage = critical, keyCertSign, cRLSign',
  'subjectKeyIdentifier = hash',
];
const ISSUED = ['subjectKeyIdentifier = hash', 'authorityKeyIdentifier = keyid'];
const LEAF = ['basicConstraints = CA:FALSE', ...ISSUED];

// The subject for `openssl req -subj`; a slash, a plus or an equals sign in a value is escaped.
function subjectText(subject) {
  return subject.map(([type, value]) => `/${type}=${value.replace(/[\\/+=]/g, '\\$&')}`).join('');
}

export class Authority {
  // folder: where it lies; kind: rsa, p256 or sm2.
  constructor({ id, names, kind, folder }) {
    Object.assign(this, { id, names, kind, folder });
    this.digest = kind === 'sm2' ? 'sm3' : 'sha256';
  }

  file(name) {
    return path.join(this.folder, name);
  }

  // Options that tell openssl which SM2 identifier to sign and to check requests with.
  signing() {
    return this.kind === 'sm2' ? ['-sigopt', SM2_ID] : [];
  }

  checking() {
    return this.kind === 'sm2' ? ['-vfyopt', SM2_ID] : [];
  }

  // Makes root, intermediate and responder.
  async make() {
    await mkdir(this.file('issued'), { recursive: true });
    await writeFile(this.file('openssl.cnf'), configuration(this.digest));
    for (const issuer of ['root', 'intermediate']) {
      await writeFile(this.file(`${issuer}.index`), '');
      await writeFile(this.file(`${issuer}.crlnumber`), '01\n');
    }
    const names = ['root', 'intermediate', 'responder'];
    await Promise.all(names.map((name) => makeKey(this.kind, this.file(`${name}.key`))));
    const named = (what) => [
      ['C', 'CN'],
      ['O', this.names.zh],
      ['CN', `${this.names.en} ${what}`],
    ];
    await this.issue('root', {
      subject: named('Root'),
      extensions: ISSUER,
      days: [-1500, 7000],
      by: 'root',
      more: ['-selfsign'],
    });
    await this.issue('intermediate', {
      subject: named('Issuing'),
      extensions: [
        'basicConstraints = critical, CA:TRUE, pathlen:0',
        ...ISSUER.slice(1),
        'authorityKeyIdentifier = keyid',
        'certificatePolicies = 2.5.29.32.0',
      ],
      days: [-1400, 3500],
      by: 'root',
    });
    await this.issue('responder', {
      subject: named('OCSP'),
      extensions: [
        ...LEAF,
        'keyUsage = critical, digitalSignature',
        'extendedKeyUsage = OCSPSigning',
        'noCheck = ignored', // id-pkix-ocsp-nocheck
      ],
      days: [-300, 1500],
    });
  }

  // Issues <name>.crt over <name>.key (both paths without their ending, in or under the folder).
  async issue(name, { subject, extensions, days, by = 'intermediate', more = [] }) {
    const at = path.resolve(this.folder, name);
    await writeFile(`${at}.cnf`, `[extensions]\n${extensions.join('\n')}\n`);
    const config = ['-config', 'openssl.cnf'];
    const where = { cwd: this.folder };
    const request = ['req', '-new', ...config, `-${this.digest}`, ...this.signing(), '-utf8'];
    await openssl(
      [...request, '-key', `${at}.key`, '-subj', subjectText(subject), '-out', `${at}.csr`],
      where,
    );
    const sign = ['ca', '-batch', '-notext', ...config, '-name', by, '-utf8', ...more];
    const dates = ['-startdate', dateIn(days[0]), '-enddate', dateIn(days[1])];
    const sources = ['-in', `${at}.csr`, '-extfile', `${at}.cnf`, '-extensions', 'extensions'];
    await openssl(
      [...sign, ...dates, ...sources, ...this.signing(), ...this.checking(), '-out', `${at}.crt`],
      where,
    );
  }

  // Issues a certificate to a lock's key. The addresses in it lead nowhere (RFC 2606): whoever
  // takes an address from a certificate, instead of from the trust list, gets no answer.
  issueLeaf(name, { subject, extensions, days }) {
    const host = `http://${this.id}.invalid`;
    const addresses = [
      `crlDistributionPoints = URI:${host}/crl/intermediate.crl`,
      `authorityInfoAccess = OCSP;URI:${host}/ocsp`,
    ];
    return this.issue(name, { subject, extensions: [...LEAF, ...extensions, ...addresses], days });
  }

  revoke(certificate, reason, by = 'intermediate') {
    const which = ['-name', by, '-revoke', path.resolve(certificate)];
    return openssl(['ca', '-config', 'openssl.cnf', ...which, '-crl_reason', reason], {
      cwd: this.folder,
    });
  }

  // The current list of root or intermediate, good for so many hours: {number, der}. Each has the
  // next number.
  makeCrl(issuer, hours) {
    return this.makeList(issuer, ['-config', 'openssl.cnf', '-name', issuer], hours);
  }

  // What the intermediate revoked since a full list of that number and time (ms since 1970), over it.
  async makeDelta(hours, base) {
    const name = 'intermediate-delta';
    const lines = (await readFile(this.file('intermediate.index'), 'utf8')).split('\n');
    const since = lines.filter((line) => line.startsWith('R') && revokedAt(line) >= base.made);
    await writeFile(this.file(`${name}.index`), since.map((line) => `${line}\n`).join(''));
    const indicator = `[delta]\n2.5.29.27 = critical, ASN1:INTEGER:0x${base.number}\n`;
    const usual = await readFile(this.file('openssl.cnf'), 'utf8');
    await writeFile(
      this.file(`${name}.cnf`),
      `${usual}${indicator}authorityKeyIdentifier = keyid\n`,
    );
    const how = ['-config', `${name}.cnf`, '-name', name, '-crlexts', 'delta'];
    return this.makeList('intermediate', how, hours);
  }

  async makeList(issuer, how, hours) {
    const out = `${issuer}.crl.pem`;
    const number = (await readFile(this.file(`${issuer}.crlnumber`), 'utf8')).trim();
    const make = ['ca', ...how, '-gencrl', '-md', this.digest, '-crlhours', String(hours)];
    const where = { cwd: this.folder };
    await openssl([...make, ...this.signing(), '-out', out], where);
    return { number, der: await openssl(['crl', '-in', out, '-outform', 'DER'], where) };
  }

  certificate(name) {
    return readFile(this.file(`${name}.crt`), 'utf8');
  }
}
