// What the provider is measured on: its embedded stores, or Redis and PostgreSQL with one node or two;
// and what the bare use of each costs, for the ceilings.
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { Postgres } from '../lib/postgres.mjs';
import { Redis } from '../lib/redis.mjs';
import { bareKv, bareSql, barePostgres, bareRedis } from './programs.mjs';

const DATABASE = 'tamga';
const READS = 20000;
const WORKERS = 32; // as many as the provider has

// {settings, workers(row) (of the bare answer), kv(): {get, put, take}, sql(table, count, group):
// {commit}, sql(): {read}, close()}; costs in microseconds of the provider's CPU.
async function embedded(folder) {
  return {
    settings: { sql: `sqlite:${path.join(folder, 'idp', 'tamga.db')}`, kv: 'memory:' },
    workers: () => 0,
    kv: bareKv,
    async sql(table, count, group) {
      const read = () => bareSql(folder, 'standing', READS, READS);
      const commit = () => bareSql(folder, table, count, group);
      return table ? { commit: await commit() } : { read: await read() };
    },
    close: async () => {},
  };
}

async function shared(folder) {
  const named = (name) => path.join(folder, name);
  await rm(named('shared'), { recursive: true, force: true });
  await mkdir(named('shared'), { recursive: true, mode: 0o711 });
  const postgres = await (await Postgres.make(named('shared/postgres'))).start();
  const redis = await (await Redis.make(named('shared/redis'))).start();
  await postgres.create(DATABASE);
  const secrets = {
    sql_password_file: await postgres.passwordFile(named('postgres.password')),
    kv_password_file: await redis.passwordFile(named('redis.password')),
  };
  return {
    settings: { sql: postgres.uri(DATABASE), sql_connections: 32, kv: redis.uri(), ...secrets },
    // A route that has to wait for Redis or PostgreSQL cannot be answered where it arrived.
    workers: ({ answer }) => (answer.cache === 'no-store' ? WORKERS : 0),
    kv: () => bareRedis(redis.port, secrets.kv_password_file),
    // One transaction of one statement needs no BEGIN; groups are PostgreSQL's own business.
    async sql() {
      const { read, write } = await barePostgres(postgres.uri(DATABASE), secrets.sql_password_file);
      return { read, commit: write };
    },
    async close() {
      await redis.stop();
      await postgres.stop();
    },
  };
}

// Goals are those of the embedded rows, save where a kind has its own.
export const kinds = [
  { suffix: '', nodes: 1, open: embedded },
  { suffix: '_redis_pg', nodes: 1, goal: 0.6, open: shared },
  { suffix: '_redis_pg_2', nodes: 2, goal: 0.6, open: shared },
];
