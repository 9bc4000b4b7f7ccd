// Clients that are in no hurry: connections that say nothing, and one that says a byte a second.
import net from 'node:net';
import { once } from 'node:events';

const AT_ONCE = 200;
const MINUTE_MS = 60e3;

function connect({ address, port }) {
  const socket = net.connect({ host: address, port });
  socket.on('error', () => {});
  return socket;
}

async function opened(node) {
  const socket = connect(node);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

// Opens that many and keeps them: {count (that the server took), stop()}.
export async function idleConnections(node, wanted) {
  const sockets = [];
  while (sockets.length < wanted) {
    const part = Array.from({ length: Math.min(AT_ONCE, wanted - sockets.length) }, () =>
      opened(node),
    );
    sockets.push(...(await Promise.all(part)));
  }
  const count = sockets.filter((socket) => !socket.destroyed).length;
  return { count, stop: () => sockets.forEach((socket) => socket.destroy()) };
}

// A head that comes a byte a second; begun again when the server has had enough of it.
export function trickle(node) {
  const head = `GET /oauth2/jwks HTTP/1.1\r\nHost: ${node.address}\r\nX: ${'x'.repeat(200)}`;
  let socket = connect(node);
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) {
      socket = connect(node);
      at = 0;
    }
    socket.write(head[at++ % head.length]);
  }, 1000);
  const limit = setTimeout(() => clearInterval(timer), 5 * MINUTE_MS);
  const stop = async () => {
    clearInterval(timer);
    clearTimeout(limit);
    socket.destroy();
  };
  return { stop };
}
