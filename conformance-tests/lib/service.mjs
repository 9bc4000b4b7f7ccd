// Real services that tests start for themselves: each in a folder of its own, on loopback, at a free
// port, as a user without rights where the tests run as root, and ended by its own process ids.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';

const asRoot = process.getuid() === 0;

function idOf(which) {
  return Number(execFileSync('id', [which, 'nobody'], { encoding: 'utf8' }));
}

// Options for spawn(): nobody's ids where this is root, which PostgreSQL refuses to run as.
export const nobody = asRoot ? { uid: idOf('-u'), gid: idOf('-g') } : {};

// A folder that the service's user can write to and nobody else can read.
export async function folderFor(name) {
  await mkdir(name, { recursive: true });
  await chmod(name, 0o700);
  if (asRoot) await chown(name, nobody.uid, nobody.gid);
  return name;
}

// "pid (name) state ppid …"; the name may hold anything (proc(5)).
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

// A process and all that grew from it.
export function family(pid) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = all.map(Number).filter((each) => parentOf(each) === pid);
  return [pid, ...children.flatMap(family)];
}

// Sends a signal to a process and its children, and says which they were.
export function signalFamily(pid, signal) {
  const members = family(pid);
  for (const member of members) {
    try {
      process.kill(member, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
  return members;
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
