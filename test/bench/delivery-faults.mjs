// Makes the programs of the benchmarks deliver wrongly, so that the tests can show that it is noticed. Preloaded with --import:
//   node --import file:///…/delivery-faults.mjs?fault=lose bench/run.mjs …
// Faults of the queue by hand: `lose` and `repeat` (its item number `item`), `late` (that one, behind the next `behind`).
// Of ours: `send-twice`, in which each task sends everything twice.
import { RingQueue } from '../../bench/floors/ring-queue.mjs';
import { TaskThread } from '../../bench/taskthread.mjs';

const parameters = new URL(import.meta.url).searchParams;
const fault = parameters.get('fault');
const item = Number(parameters.get('item') ?? 1);
const behind = Number(parameters.get('behind') ?? 1);

const queueFaults = {
  lose: () => undefined,
  repeat: (put, what) => {
    const waits = put(what);
    return put(what) ?? waits;
  },
  late: (_put, what, state) => {
    state.held = what;
  },
};
const onPut = queueFaults[fault];
if (onPut !== undefined) {
  const original = Reflect.get(RingQueue.prototype, 'put');
  const states = new WeakMap();
  RingQueue.prototype.put = function (what) {
    const put = (it) => original.call(this, it);
    const state = states.get(this) ?? { count: 0, held: undefined };
    states.set(this, state);
    if (++state.count === item) return onPut(put, what, state);
    if (state.held === undefined || state.count < item + behind) return put(what);
    const { held } = state;
    state.held = undefined;
    const waits = put(what);
    return put(held) ?? waits;
  };
}

if (fault === 'send-twice') {
  const twice = (turn, word) => {
    const send = turn[word].bind(turn);
    turn[word] = async (...args) => {
      await send(...args);
      await send(...args);
    };
  };
  const original = Object.getOwnPropertyDescriptor(TaskThread.prototype, 'tasks');
  Object.defineProperty(TaskThread.prototype, 'tasks', {
    get() {
      const tasks = original.get.call(this);
      return {
        reCreate: (name, body) =>
          tasks.reCreate(name, (turn) => {
            for (const word of ['send', 'sendToParent', 'sendToChildren']) twice(turn, word);
            return body(turn);
          }),
      };
    },
  });
}
