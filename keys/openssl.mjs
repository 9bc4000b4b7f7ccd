// Runs command-line tools (openssl, softhsm2-util, pkcs11-tool) for the makers in this folder.
import { execFile } from 'node:child_process';

// Every SM2 signature of the house is made with this identifier (GM/T 0009-2012).
export const SM2_ID = 'distid:1234567812345678';

// run(program, arguments, {cwd, env, input}): what the program printed, as a Buffer; an error with
// the program's own first words when it fails.
export function run(program, args, { cwd, env = {}, input } = {}) {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, LC_ALL: 'C', ...env }, encoding: 'buffer' };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = stderr.toString().trim().split('\n').slice(0, 4).join(' | ');
      reject(new Error(`${program} ${args[0]}: ${said || error.message}`));
    });
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input ?? '');
  });
}

export function openssl(args, options) {
  return run('openssl', args, options);
}

const ALGORITHM = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  // SM2 by name: `EC` on the SM2 curve would make a key that signs plain ECDSA.
  sm2: ['-algorithm', 'SM2'],
};

// Makes a private key (PKCS#8, PEM) of the kind rsa, p256 or sm2; the file is the owner's alone.
export function makeKey(kind, out) {
  return openssl(['genpkey', ...ALGORITHM[kind], '-out', out]);
}
