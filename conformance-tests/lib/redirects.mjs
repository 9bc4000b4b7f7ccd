// Addresses that resemble a registered redirect URI and are another one: what attackers of identity
// providers have tried. None may be accepted.

const TAILS = [
  '/', '//', '/.', '/..', '/./', '/../', '/x', '/../callback', '/%2e%2e/callback', '/..;/callback',
  '?', '?x=1', '?code=1', '?#', '#', '#x', '#/callback', '%00', '%0a', '%0d%0a', '%20', '%09', '%23',
  '%3f', '%2f', '%252f', '%5c', ' ', '\t', '\n', '\r\n', '\0', '\\', '\\x', ';', ';x', ';/..', '.',
  '..', ',', '&', '=', '*', '@evil.example', '.evil.example', ':80', '/*', '[]', '{}', '|', '^', '`',
  '"', "'", '<', '>', '\u00a0', '\u200b', '\u3002', '\uff0f', '\u2215', '\ufeff', 'é',
]; // prettier-ignore
const HEADS = [' ', '\t', '\n', '\0', '//', '/', '\\\\', 'view-source:', 'x', '\ufeff', '%20', '"'];
const SCHEMES = [
  'https', 'HTTP', 'Http', 'hTTp', 'ftp', 'file', 'ws', 'javascript', 'JavaScript', 'java\tscript',
  'data', 'vbscript', 'blob', 'about', 'httpx', 'http+x', '',
]; // prettier-ignore
const HOSTS = [
  'evil.example', 'localhost', '127.1', '127.0.0.1', '2130706473', '0x7f000029', '0177.0.0.41',
  '127.0.0.041', '127.0.0.41.', '127.0.0.41.evil.example', '127.0.0.41%2eevil.example',
  'evil.example%23127.0.0.41', 'evil.example\\127.0.0.41', 'evil.example#127.0.0.41',
  'evil.example?127.0.0.41', 'evil.example/127.0.0.41', '[::ffff:127.0.0.41]', '[::1]', '127.0.0.42',
  '１２７.0.0.41', '127。0。0。41', '127.0.0.41%00', '127.0.0.41%20', '127.0.0.4', '127.0.0.411', '',
]; // prettier-ignore
const USERS = [
  'u@',
  'u:p@',
  '@',
  ':@',
  'evil.example@',
  '127.0.0.41@evil.example\\',
  '%40@',
  '%00@',
];
const PORTS = ['', ':', ':0', ':80', ':9401', ':09400', ':9400 ', ':94000', ':-9400', ':9400:9400'];
const PATHS = [
  '', '/', '/Callback', '/CALLBACK', '//callback', '/./callback', '/../callback', '/x/../callback',
  '/%63allback', '/callbac%6b', '/callbac%6B', '/callback%2f', '/callback/', '\\callback', '/callbac',
  '/callbackk', '/callback%', '/callback/%2e%2e', '/callback/..%2f', '/callback..', '/cаllback',
  '/;/callback', '/callback;x=y', '/%2fcallback', '/%5ccallback', '/callback%3f', '/*', '/call*',
]; // prettier-ignore

// redirectsThatAreNot(registered): some 200 variations of an http address with a port and a path.
export function redirectsThatAreNot(registered) {
  const { host, hostname, port, pathname } = new URL(registered);
  const all = [
    ...TAILS.map((tail) => registered + tail),
    ...TAILS.map((tail) => `http://${host}${tail}${pathname}`),
    ...HEADS.map((head) => head + registered),
    ...SCHEMES.map((scheme) => `${scheme}://${host}${pathname}`),
    ...SCHEMES.map((scheme) => `${scheme}:${host}${pathname}`),
    ...HOSTS.map((other) => `http://${other}:${port}${pathname}`),
    ...USERS.map((user) => `http://${user}${host}${pathname}`),
    ...PORTS.map((other) => `http://${hostname}${other}${pathname}`),
    ...PATHS.map((path) => `http://${host}${path}`),
    ...['*', 'http://*', `http://*:${port}/callback`, 'javascript:alert(1)', 'data:,x', '', '.'],
    ...[registered.toUpperCase(), `${registered} ${registered}`, registered.slice(0, -1)],
    ...[
      pathname,
      `//${host}${pathname}`,
      encodeURIComponent(registered),
      `${registered}${registered}`,
    ],
  ];
  return [...new Set(all)].filter((address) => address !== registered);
}
