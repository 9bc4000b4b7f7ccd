/* Runs tests/*.test.ts with node's own test runner: esbuild (which vite brings along) turns each
   into one plain module in a folder of its own, node --test runs that folder. Node 18 is enough. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const tests = dirname(fileURLToPath(import.meta.url))
const files = readdirSync(tests).filter((name) => name.endsWith('.test.ts'))
const folder = mkdtempSync(join(tmpdir(), 'tamga-web-tests-'))
let status = 1
try {
  await build({
    entryPoints: files.map((name) => join(tests, name)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    external: ['node:*'],
    logLevel: 'warning',
  })
  const compiled = readdirSync(folder).map((name) => join(folder, name))
  const reporter = process.argv.slice(2)
  status =
    spawnSync(process.execPath, ['--test', ...reporter, ...compiled], { stdio: 'inherit' })
      .status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(status)
