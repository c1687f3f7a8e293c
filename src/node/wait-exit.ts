import type { ChildProcess } from 'node:child_process';
import { getSystemErrorName } from 'node:util';
import { ProcessNotStartedError } from '../kernel/io-errors.ts';
import { type EventName, listen } from './emitter.ts';
import { type OutsideOptions, waitOutside } from './outside-wait.ts';

/** How a process ended: with a code, or by a signal of the system. */
export interface ProcessExit {
  readonly code: number | null;
  readonly osSignal: NodeJS.Signals | null;
}

export interface WaitExitOptions extends OutsideOptions {
  /** Sent to the process when the wait is cancelled. Not set: a cancelled wait leaves the process alone. */
  readonly killWith?: NodeJS.Signals | undefined;
}

/**
 * Waits until a child process has ended, also if it had ended before. Its output may still be on its way.
 *
 * @throws `TT_PROCESS_NOT_STARTED` when there never was one (`cause` is Node's error, if it is still known); `TT_NO_SCOPE`.
 * *Cancel-safe:* no listener is left, and with `killWith` the process has been told; its end is not waited for: `shield`
 * another `waitExit` for that.
 */
export function waitExit(child: ChildProcess, options: WaitExitOptions = {}): Promise<ProcessExit> {
  return waitOutside<ProcessExit>(options, {
    word: 'waitExit',
    on: `the end of process ${child.pid ?? child.spawnfile}`,
    begin: ({ done, failed }) => {
      const { exitCode, signalCode } = child;
      // Node gives a process that could not be started the system's error for its exit code.
      if (exitCode !== null && exitCode < 0)
        failed(new ProcessNotStartedError(child.spawnfile, getSystemErrorName(exitCode)));
      else if (exitCode !== null || signalCode !== null) done({ code: exitCode, osSignal: signalCode });
      if (exitCode !== null || signalCode !== null) return undefined;
      let ended = false;
      const forget = listen(
        child,
        new Map<EventName, (...args: never[]) => void>([
          [
            'exit',
            (code: number | null, osSignal: NodeJS.Signals | null) => {
              ended = true;
              done({ code, osSignal });
            },
          ],
          [
            'error',
            (error: Error) => {
              // It also says so when a signal could not be sent to a process that runs.
              if (child.pid !== undefined) return;
              ended = true;
              failed(new ProcessNotStartedError(child.spawnfile, error));
            },
          ],
        ]),
      );
      return () => {
        forget();
        if (!ended && options.killWith !== undefined) child.kill(options.killWith);
      };
    },
  });
}
