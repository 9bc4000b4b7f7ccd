// A mail server that takes everything (RFC 5321), for the demo and for tests. It speaks plain SMTP
// on loopback and sends nothing on.
import net from 'node:net';

const LINE_MAX = 2048;
const MESSAGE_MAX = 1024 * 1024;
const IDLE_MS = 60e3;
const CRLF = Buffer.from('\r\n');

const USUAL = {
  HELLO: '220 mail.demo ESMTP',
  EHLO: '250-mail.demo\r\n250-8BITMIME\r\n250 SIZE ' + MESSAGE_MAX,
  HELO: '250 mail.demo',
  MAIL: '250 2.1.0 fine',
  RCPT: '250 2.1.5 fine',
  DATA: '354 go ahead',
  END: '250 2.0.0 taken',
  RSET: '250 2.0.0 forgotten',
  NOOP: '250 2.0.0 fine',
  QUIT: '221 2.0.0 bye',
};

// The address in MAIL FROM:<...> or RCPT TO:<...>.
const addressIn = (line) => /<([^<>]*)>/.exec(line)?.[1] ?? '';

// One connection: lines in, answers out.
class Conversation {
  constructor(socket, server) {
    this.socket = socket;
    this.server = server;
    this.rest = Buffer.alloc(0);
    this.forget();
  }

  forget() {
    this.from = '';
    this.to = [];
    this.lines = null; // of the message; null: not in one
    this.size = 0;
  }

  // What is said to a command: what the server's owner orders, or what is usual. null: nothing.
  async say(command, line) {
    const ordered = await this.server.answer(command, line);
    const text = ordered === undefined ? (USUAL[command] ?? '502 5.5.1 what?') : ordered;
    if (text !== null && !this.socket.destroyed) this.socket.write(`${text}\r\n`);
    return text ?? '';
  }

  // Lines end with CR LF; one that is too long ends the connection.
  async hear(part) {
    this.rest = Buffer.concat([this.rest, part]);
    for (let end = this.rest.indexOf(CRLF); end >= 0; end = this.rest.indexOf(CRLF)) {
      const line = this.rest.subarray(0, end);
      this.rest = this.rest.subarray(end + 2);
      await (this.lines ? this.collect(line) : this.obey(line.toString('latin1')));
    }
    if (this.rest.length > LINE_MAX) this.socket.destroy();
  }

  async obey(line) {
    const command = line.slice(0, 4).toUpperCase();
    const said = await this.say(command, line);
    if (command === 'QUIT') this.socket.end();
    if (!/^[23]/.test(said)) return;
    if (command === 'MAIL') [this.from, this.to] = [addressIn(line), []];
    if (command === 'RCPT') this.to.push(addressIn(line));
    if (command === 'DATA') [this.lines, this.size] = [[], 0];
    if (command === 'RSET') this.forget();
  }

  // A line of a message; a dot that was doubled is single again (RFC 5321 section 4.5.2).
  async collect(line) {
    if (line.equals(Buffer.from('.'))) return this.finish();
    this.size += line.length + 2;
    if (this.size > MESSAGE_MAX) return this.socket.destroy();
    this.lines.push(line[0] === 0x2e ? line.subarray(1) : line, CRLF);
    return undefined;
  }

  // It is kept before that is said.
  async finish() {
    const message = { from: this.from, to: this.to, raw: Buffer.concat(this.lines) };
    const refused = await this.server.answer('END', '');
    if (refused === undefined) await this.server.take(message);
    this.forget();
    const text = refused === undefined ? USUAL.END : refused;
    if (text !== null && !this.socket.destroyed) this.socket.write(`${text}\r\n`);
  }
}

// Starts it: {address, port, close()}. take({from, to, raw}) keeps a message. answer(command, line)
// may order what is said to a command (HELLO at the beginning, END after a message): a text, null
// for nothing at all, undefined for what is usual.
export async function startMailServer({ address, port = 0, take, answer = () => undefined }) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    const conversation = new Conversation(socket, { take, answer });
    let turn = conversation.say('HELLO', '');
    sockets.add(socket);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (part) => {
      turn = turn.then(() => conversation.hear(part)).catch(() => socket.destroy());
    });
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, resolve);
  });
  const close = () => {
    sockets.forEach((socket) => socket.destroy());
    return new Promise((resolve) => server.close(resolve));
  };
  return { address, port: server.address().port, close };
}
