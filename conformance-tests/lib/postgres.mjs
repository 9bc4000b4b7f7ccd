// A PostgreSQL server of a test's own. It can be killed with all its processes, stopped as by
// SIGSTOP, and started again; what was committed is on its disk.
import { readdirSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort, run, start, until } from './process.mjs';
import { folderFor, isAlive, nobody, signalFamily } from './service.mjs';

const VERSIONS = '/usr/lib/postgresql';
const ROLE = 'tamga';

function programs() {
  const [newest] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a));
  return path.join(VERSIONS, newest, 'bin');
}

const LOOSE = `
shared_buffers = 32MB
max_connections = 100
logging_collector = off
log_min_messages = warning
# what was acknowledged has to be there after a crash of the server: everything stays durable
fsync = on
synchronous_commit = on
`;

export class Postgres {
  // folder: must not exist yet; data: where the cluster lies (a small disk, for a test of full ones).
  static async make(folder, { data = path.join(folder, 'data') } = {}) {
    const server = new Postgres();
    server.folder = folder;
    server.data = data;
    server.bin = programs();
    server.password = `pw-${Math.random().toString(36).slice(2)}`;
    await mkdir(folder, { recursive: true, mode: 0o711 });
    await folderFor(data);
    await server.initialise();
    server.port = await freePort();
    return server;
  }

  async initialise() {
    const file = path.join(this.folder, 'password');
    await writeFile(file, this.password, { mode: 0o644 });
    const how = ['--auth=scram-sha-256', `--pwfile=${file}`, '--no-sync', '-E', 'UTF8'];
    const args = ['-D', this.data, '-U', ROLE, '--locale=C', ...how];
    const { code, stderr } = await run(path.join(this.bin, 'initdb'), args, {
      cwd: '/',
      ...nobody,
    });
    if (code !== 0) throw new Error(`initdb: ${stderr}`);
    await appendFile(path.join(this.data, 'postgresql.conf'), LOOSE);
  }

  async start() {
    const where = ['-p', String(this.port), '-h', '127.0.0.1', '-k', ''];
    const args = ['-D', this.data, ...where];
    this.program = start(path.join(this.bin, 'postgres'), args, { cwd: '/', ...nobody });
    await until(() => this.isReady(), 'PostgreSQL', 60e3);
    return this;
  }

  async isReady() {
    if (this.program.child.exitCode !== null) throw new Error(this.program.output());
    const args = ['-q', '-h', '127.0.0.1', '-p', String(this.port), '-U', ROLE, '-d', 'postgres'];
    return (await run(path.join(this.bin, 'pg_isready'), args)).code === 0;
  }

  // An address for settings; the password stands in a file of its own.
  uri(database) {
    return `postgresql://${ROLE}@127.0.0.1:${this.port}/${database}`;
  }

  async passwordFile(file) {
    await writeFile(file, this.password, { mode: 0o600 });
    return file;
  }

  // What a statement answers: rows of texts, separated by |.
  async query(database, statement) {
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', this.uri(database)];
    const env = { PGPASSWORD: this.password, PGCONNECT_TIMEOUT: '10' };
    const said = await run(path.join(this.bin, 'psql'), [...args, '-c', statement], { env });
    if (said.code !== 0) throw new Error(`psql: ${said.stderr}`);
    return said.stdout.trim();
  }

  create(database) {
    return this.query('postgres', `CREATE DATABASE ${database}`);
  }

  // Every process at once, as when the machine loses its power.
  async kill() {
    const members = signalFamily(this.program.pid, 'SIGKILL');
    await this.program.exit;
    await until(() => !members.some(isAlive), 'the processes of PostgreSQL to be gone');
  }

  freeze() {
    this.frozen = signalFamily(this.program.pid, 'SIGSTOP');
  }

  thaw() {
    signalFamily(this.program.pid, 'SIGCONT');
  }

  async stop() {
    this.thaw();
    return this.program.stop('SIGINT'); // "fast": clients are cut off
  }
}
