// The load: bidders at work until they are told to stop, and somebody who reads the keys.
import { Bidder } from './bidder.mjs';
import { Ledger } from './ledger.mjs';
import { Lost } from './wire.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Load {
  constructor(installation, { bidders = 12, ledger = new Ledger() } = {}) {
    this.installation = installation;
    this.ledger = ledger;
    this.over = false;
    const { issuer, wire, clients, locks } = installation;
    const world = { issuer, wire, clients, ledger, stopped: () => this.over };
    this.bidders = Array.from(
      { length: bidders },
      (_, i) => new Bidder(world, locks[i % locks.length], i),
    );
  }

  start() {
    this.work = [...this.bidders.map((bidder) => bidder.run()), this.readKeys()];
    return this;
  }

  // What platforms ask all the time; it needs no store.
  async readKeys() {
    const wire = this.installation.newWire({ connections: 1 });
    while (!this.over) {
      try {
        const answer = await wire.send('/oauth2/jwks');
        if (answer.status === 200) this.ledger.time('jwks', answer.ms);
        else this.ledger.postpone('jwks');
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        this.ledger.postpone('jwks');
      }
      await sleep(20);
    }
    wire.close();
  }

  // Works until so many results are acknowledged; that there is an end is a promise, too.
  async untilAcknowledged(more, ms = 120e3) {
    const end = Date.now() + ms;
    const goal = this.ledger.sum() + more;
    while (this.ledger.sum() < goal) {
      if (Date.now() > end) {
        this.ledger.breaks('work goes on', `${this.ledger.sum()} of ${goal} after ${ms} ms`);
        return;
      }
      await sleep(20);
    }
  }

  async stop() {
    this.over = true;
    await Promise.all(this.work);
    return this.ledger;
  }
}
