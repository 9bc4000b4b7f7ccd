// How each authority writes its certificates, and beside it how the trust list says to read them.
// The three differ as real authorities do. The numbers under 1.3.6.1.4.1.32473 are the ones that
// RFC 5612 sets aside for examples; 1.2.156.10260.4.1 is GM/T 0015, 1.2.86.11.7 its predecessor's.

const EXAMPLE = '1.3.6.1.4.1.32473';
const IDENTIFY_CODE = '1.2.156.10260.4.1.1';
const PERSON = [{ extension: IDENTIFY_CODE, types: ['printable', 'utf8'], choice: true }];
const HOME = '内蒙古自治区';

// Aobao: RSA. Class and region are policies, since it serves other regions too; the USCC lies in
// OrganizationCode, the key number in an extension of its own.
const AOBAO = {
  policy: { enterprise: '1.1.1', personal: '1.1.2', legal_person: '1.1.3' },
  here: `${EXAMPLE}.1.2.15`,
  elsewhere: `${EXAMPLE}.1.2.14`,
  uscc: '1.2.156.10260.4.1.4',
  keyNumber: `${EXAMPLE}.1.3`,
};

// Baihua: P-256. Class is the subject's OU, the name its O; the CN is `051@name@key number@1`. The
// USCC lies in 1.2.86.11.7.4, and .7.3 beside it holds the old registration number.
const BAIHUA = { uscc: '1.2.86.11.7.4', registration: '1.2.86.11.7.3' };

// Hongliu: SM2. Class is a policy, the USCC the subject's organizationIdentifier, the key number its
// serialNumber; a lock holds a signature certificate and an encryption certificate.
const HONGLIU = { policy: { enterprise: '3.1.1', personal: '3.1.2', legal_person: '3.1.3' } };

const policyOf = (authority, holder) => `${EXAMPLE}.${authority.policy[holder.class]}`;
const when = (value, line) => (value ? [line(value)] : []);

function aobaoLeaf(holder) {
  const region = holder.elsewhere ? AOBAO.elsewhere : AOBAO.here;
  return {
    subject: [
      ['C', 'CN'],
      ['ST', holder.province ?? HOME],
      ['L', holder.city],
      ['O', holder.name],
      ['CN', holder.person?.name ?? holder.name],
    ],
    extensions: [
      'keyUsage = critical, digitalSignature, nonRepudiation',
      'extendedKeyUsage = clientAuth',
      `certificatePolicies = ${policyOf(AOBAO, holder)}, ${region}`,
      `${AOBAO.keyNumber} = ASN1:PRINTABLESTRING:${holder.keyNumber}`,
      ...when(holder.uscc, (uscc) => `${AOBAO.uscc} = ASN1:PRINTABLESTRING:${uscc}`),
      ...when(
        holder.person?.number,
        (number) => `${IDENTIFY_CODE} = ASN1:IMPLICIT:0,PRINTABLESTRING:${number}`,
      ),
    ],
  };
}

function baihuaLeaf(holder) {
  const name = holder.person?.name ?? holder.name;
  return {
    subject: [
      ['C', 'CN'],
      ...when(holder.name, (text) => ['O', text]),
      ['OU', holder.class === 'personal' ? 'Individual-1' : 'Organizational-1'],
      ['CN', `051@${name}@${holder.keyNumber}@1`],
    ],
    extensions: [
      'keyUsage = digitalSignature, nonRepudiation',
      'extendedKeyUsage = clientAuth',
      ...when(holder.uscc, (uscc) => `${BAIHUA.uscc} = ASN1:FORMAT:UTF8,UTF8String:${uscc}`),
      ...when(
        holder.uscc,
        (uscc) =>
          `${BAIHUA.registration} = ASN1:FORMAT:UTF8,UTF8String:${uscc.slice(2, 8)}000000001`,
      ),
      ...when(
        holder.person?.number,
        (number) => `${IDENTIFY_CODE} = ASN1:EXPLICIT:0,PRINTABLESTRING:${number}`,
      ),
    ],
  };
}

function hongliuLeaf(holder) {
  return {
    subject: [
      ['C', 'CN'],
      ['ST', holder.province ?? HOME],
      ['O', holder.name],
      ...when(holder.uscc, (uscc) => ['organizationIdentifier', `NTRCN-${uscc}`]),
      ['serialNumber', `KEY:${holder.keyNumber}`],
      ['CN', holder.person?.name ?? holder.name],
    ],
    extensions: [
      'keyUsage = critical, digitalSignature, nonRepudiation',
      `certificatePolicies = ${policyOf(HONGLIU, holder)}`,
      ...when(
        holder.person?.number,
        (number) => `${IDENTIFY_CODE} = ASN1:EXPLICIT:0,PRINTABLESTRING:${number}`,
      ),
    ],
  };
}

const lacksPerson = { lacks: PERSON[0] };
const hasPerson = { has: PERSON[0] };
const policyRule = (authority, name) => ({ policy: `${EXAMPLE}.${authority.policy[name]}` });

// leaf(holder) gives subject and extensions of a signature certificate; reading is the trust
// list's profile; hash is what the responder is asked with; pinned says whether the trust list
// names the responder's certificate or leaves it to the issuer's delegation.
export const profiles = {
  'aobao-rsa': {
    leaf: aobaoLeaf,
    hash: 'sha1',
    reading: {
      uscc: [{ extension: AOBAO.uscc, types: ['printable'] }],
      name: [{ subject: '2.5.4.3' }],
      key_number: [{ extension: AOBAO.keyNumber, types: ['printable'] }],
      person: PERSON,
      class: {
        enterprise: [policyRule(AOBAO, 'enterprise'), lacksPerson],
        personal: [policyRule(AOBAO, 'personal')],
        legal_person: [hasPerson],
      },
      region: [{ policy: AOBAO.here }],
      extended_key_usage: ['clientAuth'],
      strict: true,
    },
  },
  'baihua-p256': {
    leaf: baihuaLeaf,
    hash: 'sha256',
    pinned: true,
    reading: {
      uscc: [{ extension: BAIHUA.uscc, types: ['utf8'] }],
      name: [{ subject: '2.5.4.10' }],
      key_number: [{ subject: '2.5.4.3', split: '@', field: 2, of: 4 }],
      person: PERSON,
      class: {
        enterprise: [{ subject: '2.5.4.11', starts: 'Organizational-' }, lacksPerson],
        personal: [{ subject: '2.5.4.11', starts: 'Individual-' }],
        legal_person: [hasPerson],
      },
      extended_key_usage: ['absent', 'clientAuth'],
      strict: true,
    },
  },
  'hongliu-sm2': {
    leaf: hongliuLeaf,
    hash: 'sm3',
    dual: true,
    reading: {
      uscc: [{ subject: '2.5.4.97', prefix: 'NTRCN-' }],
      name: [{ subject: '2.5.4.3' }],
      key_number: [{ subject: '2.5.4.5', prefix: 'KEY:' }],
      person: PERSON,
      class: {
        enterprise: [policyRule(HONGLIU, 'enterprise'), lacksPerson],
        personal: [policyRule(HONGLIU, 'personal')],
        legal_person: [hasPerson],
      },
      extended_key_usage: ['absent'],
      strict: true,
    },
  },
  yuanfang: { leaf: baihuaLeaf, hash: 'sha256' },
};
