// What --stats shows: figures while a stream is followed, and their sum in the end.

import {say, statusLine} from './output.ts';
import {counted, inBytes, inSeconds, INTERRUPTED} from './text.ts';

/** Figures of --stats. */
export class Stats {
  events = 0;
  bytes = 0;
  reconnections = 0;
  readonly #begun = performance.now();
  #last = this.#begun;
  #heard = this.#begun;
  #seen = 0;
  #rate = 0;

  /** Draws each second, and for the last time when it ends, also by Ctrl-C. */
  begin(): () => void {
    const timer = setInterval(() => statusLine.draw(this.#text()), 1000);
    timer.unref();
    const end = () => {
      clearInterval(timer);
      say(`${this.#sum()} in ${inSeconds(performance.now() - this.#begun)}`);
    };
    process.once('SIGINT', () => {
      end();
      process.exit(INTERRUPTED);
    });
    return end;
  }

  received(bytes: number): void {
    this.bytes += bytes;
    this.#heard = performance.now();
  }

  #sum(): string {
    return [
      counted(this.events, 'event'),
      inBytes(this.bytes),
      counted(this.reconnections, 'reconnection'),
    ].join(', ');
  }

  #text(): string {
    const now = performance.now();
    if (now - this.#last > 500) {
      this.#rate = (1000 * (this.events - this.#seen)) / (now - this.#last);
      this.#last = now;
      this.#seen = this.events;
    }
    return [
      this.#sum(),
      `${this.#rate.toFixed(1)} events/s`,
      `last byte ${inSeconds(now - this.#heard)} ago`,
    ].join(', ');
  }
}
