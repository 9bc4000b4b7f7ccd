// A small disk of its own for PostgreSQL, which can be filled up. Needs the right to mount.
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../lib/process.mjs';
import { nobody } from '../lib/service.mjs';

const SIZE = '192m';

class Disk {
  constructor(folder) {
    this.folder = folder;
    this.ballast = path.join(folder, 'ballast');
  }

  // Leaves nothing free.
  async fill() {
    const { bavail, bsize } = await statfs(this.folder);
    await writeFile(this.ballast, Buffer.alloc(bavail * bsize)).catch((error) => {
      if (error.code !== 'ENOSPC') throw error;
    });
  }

  empty() {
    return rm(this.ballast, { force: true });
  }
}

// Calls work with options for Installation.open() and a disk; says why where it cannot be had.
export async function withSmallDisk(place, work) {
  const folder = await place.fresh('disk');
  const owner = nobody.uid === undefined ? '' : `,uid=${nobody.uid},gid=${nobody.gid}`;
  const options = `size=${SIZE},mode=711${owner}`;
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  if (code !== 0) return { skipped: `no small disk: ${stderr.trim()}` };
  try {
    const data = path.join(folder, 'data');
    await mkdir(data);
    return await work({ postgres: { data } }, new Disk(folder));
  } finally {
    await run('umount', ['-l', folder]);
  }
}
