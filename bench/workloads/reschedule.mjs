// Reschedule: a task whose turn asks for the next one. The floor is a loop that awaits `undefined`, a microtask for each turn; it
// starves the event loop.
import { start, TaskThread } from '../taskthread.mjs';

class Ticker extends TaskThread {
  turns = 0;

  constructor(work) {
    super();
    this.work = work;
  }

  enter() {
    this.work.begin();
    this.tasks.reCreate('tick', this.tick);
  }

  tick = (turn) => {
    if (++this.turns < this.work.size) return turn.reSchedule();
    this.work.end();
    return undefined;
  };
}

class AsyncTicker extends Ticker {
  tick = async (turn) => {
    if (++this.turns < this.work.size) return turn.reSchedule();
    this.work.end();
    return undefined;
  };
}

async function reschedule(work, Kind) {
  const ticker = new Kind(work);
  const root = await start(ticker);
  await work.ended;
  await root.stop();
  return ticker.turns;
}

async function floor(work) {
  let turns = 0;
  work.begin();
  while (turns < work.size) {
    await undefined;
    turns++;
  }
  work.end();
  return turns;
}

export const workloads = [
  {
    name: 'reschedule',
    title: 'Reschedule: turns of a task, sync body',
    unit: 'turns',
    size: 1_000_000,
    contenders: { taskthread: (work) => reschedule(work, Ticker), floor },
    peers: ['effect', 'effection', 'rxjs'],
    mustReach: { taskthread: 0.89 },
  },
  {
    name: 'reschedule, async body',
    title: 'Reschedule: turns of a task, async body',
    unit: 'turns',
    size: 1_000_000,
    contenders: { taskthread: (work) => reschedule(work, AsyncTicker), floor },
  },
];
