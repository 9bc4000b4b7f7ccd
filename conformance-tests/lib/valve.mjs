// A TCP connection's way that can be shut, as when one machine loses another.
import net from 'node:net';

export class Valve {
  // Leads to the port of 127.0.0.1.
  static async open(port) {
    const valve = new Valve();
    valve.ends = new Set();
    valve.isShut = false;
    valve.server = net.createServer((near) => valve.join(near, port));
    await new Promise((resolve) => valve.server.listen(0, '127.0.0.1', resolve));
    valve.port = valve.server.address().port;
    return valve;
  }

  join(near, port) {
    if (this.isShut) return near.destroy();
    const far = net.connect({ host: '127.0.0.1', port });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.ends.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.ends.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    return undefined;
  }

  shut() {
    this.isShut = true;
    for (const end of this.ends) end.destroy();
  }

  reopen() {
    this.isShut = false;
  }

  async close() {
    this.shut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
