// Programs that tests start: waited for by condition, stopped by their process id.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const built = (name) => path.join(ROOT, 'build', name);

const POLL_MS = 20;

// What has been started and not stopped: killed when the test file ends, however it ends.
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// until(ask): the first answer of ask() that is neither false, null nor undefined. A thrown error
// counts as no answer yet; after `ms` it fails with what and the last error.
export async function until(ask, what, ms = 20e3) {
  const end = Date.now() + ms;
  for (;;) {
    let last;
    try {
      const answer = await ask();
      if (answer !== false && answer !== null && answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited in vain for ${what}${last ? `: ${last}` : ''}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

// A port that is free at this loopback address now.
export function freePort(address = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen({ host: address, port: 0 }, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Whether something accepts connections there.
export function listens(address, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

// Starts a program, as another user where uid and gid are given. {child, pid, output(): what it has printed so far, exit: promise of
// {code, signal}, stop(signal)}.
export function start(program, args, { env = {}, cwd = ROOT, ...user } = {}) {
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(program, args, { cwd, stdio, env: { ...process.env, ...env }, ...user });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => (text += part));
  }
  running.add(child);
  const exit = once(child, 'close').then(([code, signal]) => {
    running.delete(child);
    return { code, signal };
  });
  const stop = (signal = 'SIGTERM') => {
    child.kill(signal);
    return exit;
  };
  return { child, pid: child.pid, output: () => text, exit, stop };
}

// Runs a program to its end: {code, stdout, stderr}.
export function run(program, args, { env = {}, cwd = ROOT, input = '', ...user } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, ...user });
    const parts = { stdout: '', stderr: '' };
    for (const name of Object.keys(parts)) {
      child[name].setEncoding('utf8').on('data', (part) => (parts[name] += part));
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...parts }));
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input);
  });
}
