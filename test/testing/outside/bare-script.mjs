/** The test kit without any test runner. It touches no global timer. */
import assert from 'node:assert/strict';
import { TaskThread } from 'taskthread';
import { leakCheck, simulate, VirtualTime } from 'taskthread/testing';

const globalTimers = () => [setTimeout, setInterval, setImmediate, clearTimeout, queueMicrotask, globalThis.Date];
const timers = globalTimers();
const assertNoLeak = leakCheck();

class EchoThread extends TaskThread {
  signalHandler(word) {
    word.reply.with(word.text);
  }
}

const { words } = await simulate({ seed: 5 }, async (sim) => {
  const root = await sim.start(() => new EchoThread());
  sim.say(await root.ask((reply) => ({ text: 'hello', reply })));
});
assert.deepEqual(words, ['hello']);

const time = new VirtualTime({ autojump: true });
const before = performance.now();
await new Promise((resolve) => {
  time.clock.setTimer(24 * 3_600_000, resolve);
});
assert.ok(performance.now() - before < 10_000);
assert.deepEqual(globalTimers(), timers);
assertNoLeak();
process.stdout.write('all well\n');
