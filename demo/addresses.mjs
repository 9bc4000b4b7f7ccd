// Where everything of the demo listens. Each program has a loopback address of its own, because
// cookies know hosts, not ports.
import net from 'node:net';

// The authorities and the assistant are asked by http, as everywhere; the provider and the platforms
// serve https.
export const at = ({ address, port }) => `http://${address}:${port}`;
export const secureAt = ({ address, port }) => `https://${address}:${port}`;

function tryToListen(address, port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen({ host: address, port }, () => {
      const taken = server.address().port;
      server.close(() => resolve(taken));
    });
  });
}

// A place is {name, address, port}; the assistant's is on [::1] too where the machine has it.
async function isFree({ address, port, also = [] }) {
  try {
    await tryToListen(address, port);
  } catch {
    return false;
  }
  const others = also.map((other) =>
    tryToListen(other, port).then(
      () => true,
      (error) => error.code !== 'EADDRINUSE',
    ),
  );
  return (await Promise.all(others)).every(Boolean);
}

async function freePort(place) {
  for (let tries = 0; tries < 20; tries++) {
    const port = await tryToListen(place.address, 0);
    if (await isFree({ ...place, port })) return port;
  }
  throw new Error(`no free port on ${place.address}`);
}

// The places with the ports of the options, in the order in which they are opened.
function usualPlaces(region, ports) {
  const many = (entries, port) =>
    entries.map(([name, address]) => ({ name, address, port: ports[port] }));
  const served = region.platforms.map(({ id, address }) => [`platform ${id}`, address]);
  const authorities = Object.entries(region.authorities);
  return [
    { name: 'idp', address: '127.0.0.1', port: ports.port },
    { name: 'mail', address: '127.0.0.61', port: ports.mail },
    { name: 'assistant', address: '127.0.0.1', port: ports.assistant, also: ['::1'] },
    ...many(served, 'platform'),
    ...many(
      authorities.map(([id, address]) => [`authority ${id}`, address]),
      'authority',
    ),
  ];
}

// choose(region, ports, free, before): name -> {address, port}. With `free` the ports of the last
// start are used again where they still are free, and others where not; without it a port in use
// is an error that says which.
export async function choose(region, ports, free, before = {}) {
  const chosen = {};
  for (const place of usualPlaces(region, ports)) {
    const wanted = { ...place, port: (free && before[place.name]?.port) || place.port };
    const fits = free && !before[place.name] ? false : await isFree(wanted);
    if (!fits && !free) throw new Error(inUse(wanted));
    const port = fits ? wanted.port : await freePort(place);
    chosen[place.name] = { address: place.address, port };
  }
  return chosen;
}

function inUse({ name, address, port }) {
  return `port ${port} on ${address} (${name}) is in use: stop what uses it, or start with --free`;
}
