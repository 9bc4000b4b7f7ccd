// One starter a folder: two would take each other's stores away.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const file = (folder) => path.join(folder, 'starter.pid');

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// Whether a process is a starter still, and not another that got its number.
async function isStarter(pid) {
  if (!isRunning(pid)) return false;
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return line.includes('run.mjs');
}

// Takes the folder, or fails with who has it.
export async function takeFolder(folder) {
  for (let tries = 0; tries < 2; tries++) {
    try {
      return await writeFile(file(folder), `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = Number(await readFile(file(folder), 'utf8').catch(() => '0'));
    if (await isStarter(pid)) throw new Error(`${folder} is in use by process ${pid}`);
    await rm(file(folder), { force: true });
  }
  throw new Error(`${folder} is in use`);
}

// Gives it back, when it is ours.
export async function leaveFolder(folder) {
  const pid = await readFile(file(folder), 'utf8').catch(() => '');
  if (Number(pid) === process.pid) await rm(file(folder), { force: true });
}
