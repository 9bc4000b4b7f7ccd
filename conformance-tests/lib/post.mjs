// A mail server of a test's own: what it says is the test's to choose, what it takes is read.
import { readLetter } from '../../demo/letter.mjs';
import { startMailServer } from '../../demo/smtp.mjs';

const SENDER = 'noreply@idp.example';

export class Post {
  constructor() {
    this.letters = []; // {from, to, headers, subject, text}, as they came
    this.orders = {}; // command -> what is said to it; null: nothing
    this.asked = 0; // connections
  }

  static async open(address = '127.0.0.1') {
    const post = new Post();
    post.address = address;
    await post.reopen();
    return post;
  }

  async reopen() {
    this.server = await startMailServer({
      address: this.address,
      port: this.server?.port ?? 0,
      take: ({ from, to, raw }) => this.letters.push({ from, to, ...readLetter(raw) }),
      answer: (command) => this.say(command),
    });
  }

  say(command) {
    if (command === 'HELLO') this.asked++;
    return this.orders[command];
  }

  close() {
    return this.server.close();
  }

  // The section of the provider's settings.
  settings(more = {}) {
    return {
      server: `smtp://${this.address}:${this.server.port}`,
      starttls: false,
      from: SENDER,
      name: '认证平台',
      retry_s: 1,
      ...more,
    };
  }
}
