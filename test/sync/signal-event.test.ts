/** `SignalEvent`, without a real OS signal: those are in signal-event.integration.test.ts. */
import { run, SignalEvent, sleep, spawn, timeoutAfter } from '../../src/index.ts';
import { checkThreads, codeOf, say, time, words } from '../taskthread/toys.ts';

checkThreads();

function program<T>(main: () => Promise<T>): Promise<unknown> {
  return time().run(run(time().options, main));
}

/** As Node tells of one. */
function raise(name: NodeJS.Signals): void {
  process.emit(name, name);
}

const listeners = (): number => process.listenerCount('SIGUSR2') + process.listenerCount('SIGHUP');

test('is set when one of its OS signals comes, and stays set', async () => {
  await program(async () => {
    using event = new SignalEvent('SIGUSR2', 'SIGHUP');
    const waiting = spawn(async () => {
      await event.wait();
      say(`woken by ${String(event.last)}`);
    });
    await sleep(1);
    raise('SIGHUP');
    await waiting.join();
    await event.wait();
    say(`set ${String(event.isSet)}`);
  });
  expect(words).toEqual(['woken by SIGHUP', 'set true']);
});

test('one that comes while nobody waits is not missed', async () => {
  await program(async () => {
    using event = new SignalEvent('SIGUSR2');
    raise('SIGUSR2');
    await sleep(50);
    await event.wait();
    event.clear();
    say(`set ${String(event.isSet)}`);
    event.set();
    await event.wait();
  });
  expect(words).toEqual(['set false']);
});

test('a wait can be cancelled and timed out', async () => {
  await program(async () => {
    using event = new SignalEvent('SIGUSR2');
    const waiting = spawn(() => event.wait());
    await sleep(1);
    await waiting.cancel();
    const error = await timeoutAfter(10, () => event.wait()).catch((reason: unknown) => reason);
    say(`${String(waiting.cancelled)} ${String(codeOf(error))}`);
  });
  expect(words).toEqual(['true TT_TIMEOUT']);
});

test('listens until it is released, once however often, and not a moment longer', () => {
  const before = listeners();
  {
    using event = new SignalEvent('SIGUSR2', 'SIGHUP', 'SIGUSR2');
    expect(listeners()).toBe(before + 2);
    event.release();
    event.release();
    expect(listeners()).toBe(before);
  }
  const event = new SignalEvent('SIGUSR2');
  event.release();
  raise('SIGUSR2');
  expect([listeners(), event.isSet, event.last]).toEqual([before, false, undefined]);
});

test.each([[[]], [['SIGKILL']], [['SIGSTOP']], [['SIGNOTHING']]])('refuses %j', (names) => {
  const before = listeners();
  expect(() => new SignalEvent(...(names as NodeJS.Signals[]))).toThrow('osSignals must be');
  expect(listeners()).toBe(before);
});
