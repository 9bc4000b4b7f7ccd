// nginx in front of nodes, with the configuration that docker/ ships and TLS by a key of its own.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import { makeCertificate } from './certificate.mjs';
import { freePort, ROOT, start, until } from './process.mjs';
import { folderFor } from './service.mjs';

const TEMPLATE = path.join(ROOT, 'docker/nginx/tamga.conf.template');

// What the image's nginx.conf says around the file; every folder is the test's own.
const around = (folder, site) => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path ${folder}/body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi;
    scgi_temp_path ${folder}/scgi;
${site}
}
`;

const fill = (text, values) =>
  text.replace(/\$\{(TAMGA_[A-Z]+)\}/g, (whole, name) => values[name] ?? whole);

export class Nginx {
  // address: where it listens, at a free port unless told.
  static async make(folder, { address = '127.0.0.1', port } = {}) {
    const proxy = new Nginx();
    await mkdir(folder, { recursive: true, mode: 0o711 });
    proxy.folder = await folderFor(path.join(folder, 'temporary'));
    proxy.address = address;
    proxy.port = port ?? (await freePort(address));
    proxy.origin = `https://${address}:${proxy.port}`;
    proxy.tls = await makeCertificate(folder, address);
    proxy.ca = await readFile(proxy.tls.file);
    proxy.settings = path.join(folder, 'nginx.conf');
    return proxy;
  }

  // nodes: ["address:port"]
  async start(nodes) {
    const servers = nodes.map((node) => `server ${node} max_fails=1 fail_timeout=1s;`);
    const site = fill(await readFile(TEMPLATE, 'utf8'), {
      TAMGA_LISTEN: `${this.address}:${this.port}`,
      TAMGA_NAME: this.address,
      TAMGA_CERTIFICATE: this.tls.file,
      TAMGA_KEY: this.tls.key,
      TAMGA_NODES: servers.join('\n    '),
    });
    await writeFile(this.settings, around(this.folder, site));
    this.program = start('nginx', ['-c', this.settings, '-p', this.folder, '-e', 'stderr']);
    await until(() => this.isReady(), 'nginx');
    return this;
  }

  // Any answer does: the nodes need not be there yet.
  isReady() {
    if (this.program.child.exitCode !== null) throw new Error(this.program.output());
    return new Promise((resolve, reject) => {
      const options = { ca: this.ca, agent: false };
      const call = https.get(`${this.origin}/`, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode > 0);
      });
      call.on('error', reject);
    });
  }

  stop() {
    return this.program.stop('SIGQUIT'); // lets running requests finish
  }
}
