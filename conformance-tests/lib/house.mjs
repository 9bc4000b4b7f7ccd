// A provider and an assistant of a test file's own that belong together: there, locks can be bound,
// plugged in, pulled out and spoilt without anybody else noticing.
import { SOFTHSM_LIBRARY } from '../../keys/tokens.mjs';
import { bind } from '../../demo/bind.mjs';
import { Assistant } from './assistant.mjs';
import { built } from './process.mjs';
import { Provider } from './provider.mjs';
import { lockOf } from './region.mjs';

const TOKENS = { kind: 'pkcs11', library: SOFTHSM_LIBRARY };
const SKF = { kind: 'skf', library: built('doubles/skf-double.so') };

export class House {
  static async open(demo, address = '127.0.0.2') {
    const house = new House();
    house.demo = demo;
    house.assistant = await Assistant.make(demo);
    house.provider = await Provider.make(demo, {
      address,
      change: (settings) => (settings.assistant.address = house.assistant.address),
    });
    await house.provider.start();
    house.issuer = house.provider.issuer;
    return house;
  }

  // Starts the assistant anew with these SKF locks, and with the region's PKCS#11 tokens or not.
  async plugIn(labels, { tokens = false, change = {} } = {}) {
    await this.assistant.stop();
    await this.assistant.plugIn(labels);
    const drivers = tokens ? [TOKENS, SKF] : [SKF];
    await this.assistant.write({ origins: [this.issuer], drivers, ...change });
    await this.assistant.start();
  }

  // Every lock of the region.
  plugInAll() {
    const skf = this.demo.locks.filter(({ kind }) => kind === 'skf').map(({ label }) => label);
    return this.plugIn(skf, { tokens: true });
  }

  bind(label) {
    return bind(this.issuer, this.assistant, lockOf(this.demo, label));
  }

  async close() {
    await this.assistant.close();
    return this.provider.close();
  }
}
