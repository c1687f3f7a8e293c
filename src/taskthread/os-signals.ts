/**
 * OS signals for the roots of a process (`main`): who is told of which, and for how long they are kept from ending the process.
 *
 * One listener for each signal, whatever the number of roots. It stays when the last root has ended: the process is about to exit
 * then, its last lines are being written, and who is impatient sends one more. Without a listener that one would end the process at
 * once, and cost it its exit code. A program that goes on without a root gets its signals back after a while.
 */
import { realClock } from '../kernel/clock.ts';

/** An OS signal that `runMain` can stop by. */
export type MainSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT' | 'SIGUSR2' | 'SIGBREAK';

/** So long after the last root has ended a further signal is still the same impatience. */
const IMPATIENT_MS = 2000;

interface Listener {
  readonly names: ReadonlySet<MainSignal>;
  readonly told: (name: MainSignal) => void;
}

const listeners = new Set<Listener>();
const watched = new Set<MainSignal>();
let lastEndedAt = 0;
let leavesAtOnce = false;

/** Tells a root of its signals until it has ended: call what this gives then. */
export function listenToOSSignals(names: ReadonlySet<MainSignal>, told: (name: MainSignal) => void): () => void {
  const listener = { names, told };
  listeners.add(listener);
  for (const name of names) {
    if (watched.has(name)) continue;
    watched.add(name);
    process.on(name, came);
  }
  return () => {
    listeners.delete(listener);
    lastEndedAt = realClock.now();
  };
}

function came(osSignal: NodeJS.Signals): void {
  const name = osSignal as MainSignal;
  const wanted = [...listeners].filter(({ names }) => names.has(name));
  if (wanted.length > 0 && !leavesAtOnce) {
    leavesAtOnce = true;
    process.once('beforeExit', () => process.once('exit', leave));
  }
  for (const { told } of wanted) told(name);
  if (wanted.length > 0 || realClock.now() - lastEndedAt < IMPATIENT_MS) return;
  process.off(name, came);
  watched.delete(name);
  // Where the program has a listener of its own, that has been told. Else it is as if there had never been one of ours.
  if (process.listenerCount(name) === 0) process.kill(process.pid, name);
}

/**
 * The last listener of an exit that is under way, with its code. Node takes its listeners of signals down and goes on for some
 * milliseconds then, in which one more signal would end it without that code; told to exit, it is gone at once.
 */
function leave(): void {
  process.exit();
}
