/** The test kit under node:test. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { start, TaskThread } from 'taskthread';
import { explore, leakCheck, ProbeThread, VirtualTime } from 'taskthread/testing';

class ClockThread extends TaskThread {
  enter() {
    this.tasks.reCreate('tick', async (turn) => {
      await turn.sendToParent('tick');
      return turn.reSchedule({ afterMs: 3_600_000 });
    });
  }
}

let assertNoLeak;
beforeEach(() => {
  assertNoLeak = leakCheck();
});
afterEach(() => assertNoLeak());

void test('a day passes at once', async () => {
  const time = new VirtualTime({ autojump: false });
  const probe = new ProbeThread(() => new ClockThread());
  const root = await time.run(start(probe, time.options));
  await time.advance(24 * 3_600_000);
  assert.equal(probe.signals.length, 25);
  await time.run(root.stop());
});

class CounterThread extends TaskThread {
  count = 0;

  enter() {
    for (const name of ['a', 'b']) {
      this.tasks.reCreate(name, async (turn) => {
        const { count } = this;
        await turn.timeoutAfter(5, () => {});
        this.count = count + 1;
      });
    }
  }
}

void test('a bug is found, an unhandled rejection is a failure of the run and not of this process', async () => {
  await assert.rejects(
    explore({ seeds: 200 }, async (sim) => {
      const counter = new CounterThread();
      await sim.start(counter);
      await sim.sleep(1);
      assert.equal(counter.count, 2);
    }),
    /AssertionError[\s\S]*to see it again/,
  );
  await assert.rejects(
    explore({ seeds: 1 }, async (sim) => {
      void Promise.reject(new Error('nobody looks'));
      await sim.checkpoint();
    }),
    { code: 'TT_SIMULATION_FAILED', kind: 'an unhandled rejection' },
  );
});
