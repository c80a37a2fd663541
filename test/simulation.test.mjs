// The simulation in small: the faults that it has found, a thousand days of one seed, every order
// of four steps. In full: npm run simulation. The variable SSE names another build.

import assert from 'node:assert/strict';
import {resolve} from 'node:path';
import {describe, it} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {play} from './simulation/drive.mjs';
import {exhaust, FIRSTS} from './simulation/exhaustive.mjs';
import {longPlanOf, planOf} from './simulation/plan.mjs';
import {ROWS} from './simulation/rows.mjs';
import {playSource} from './simulation/sources.mjs';
import {replaceGlobals} from './simulation/world.mjs';

replaceGlobals();
const BUILD = process.env.SSE ?? fileURLToPath(new URL('../dist/sse.js', import.meta.url));
const sse = await import(pathToFileURL(resolve(BUILD)).href);
const told = (violation) => violation && `${violation.invariant}: ${violation.message}`;

describe('simulation: found before', () => {
  for (const {rule, plan} of ROWS) {
    it(rule, async () => {
      const {violation, connections} = await play(sse, plan);
      assert.equal(told(violation), undefined);
      assert.ok(connections > 0);
    });
  }
});

describe('simulation', () => {
  it('a thousand days', async () => {
    let connections = 0;
    for (let seed = 1; seed <= 1000; seed++) {
      const result = await play(sse, planOf(seed));
      assert.equal(told(result.violation), undefined, `seed ${seed}`);
      connections += result.connections;
    }
    assert.ok(connections > 5000, `${connections} connections`);
  });

  it('long lives: the past is forgotten', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const {violation, connections} = await play(sse, longPlanOf(seed));
      assert.equal(told(violation), undefined, `seed ${seed}`);
      assert.ok(connections > 50);
    }
  });

  it('sources of EventSource', async () => {
    for (let seed = 1; seed <= 1000; seed++) {
      assert.equal(told(await playSource(sse, seed)), undefined, `seed ${seed}`);
    }
  });

  for (const loop of ['async', 'blocking']) {
    it(`every order of four steps, ${loop}`, async () => {
      const failures = [];
      const found = (steps, violation) => failures.push([steps.join(', '), told(violation)]);
      const count = await exhaust(sse, {loop, depth: 4, firsts: FIRSTS, found});
      assert.deepEqual(failures, []);
      assert.ok(count > 1000, `${count} orders`);
    });
  }

  it('a client that loses one event in 300 is found', async () => {
    const plans = Array.from({length: 1000}, (_, at) => planOf(at + 1));
    const faulty = {...sse, AsyncSSEClient: dropping(sse.AsyncSSEClient)};
    faulty.asyncConnect = (url, options) => new faulty.AsyncSSEClient(url, options);
    let found;
    for (const plan of plans) found ??= (await play(faulty, plan)).violation;
    // an id is missed first where that event was the last to come
    assert.match(`${found?.invariant}`, /^(?:events|id)$/);
  });
});

function dropping(Client) {
  let count = 0;
  return class extends Client {
    [Symbol.asyncIterator]() {
      const loop = super[Symbol.asyncIterator]();
      const next = async () => {
        const result = await loop.next();
        return !result.done && ++count % 300 === 0 ? loop.next() : result;
      };
      return {next, return: () => loop.return()};
    }
  };
}
