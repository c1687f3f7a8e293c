/** `SignalEvent` in a real process, with real OS signals. */
import { startProgram } from '../typescript-program.ts';

/** Runs the program, sends the next OS signal whenever it has said another line, and waits for its end. */
function runProgram(osSignals: NodeJS.Signals[]): Promise<{ code: number | null; name: string | null; out: string[] }> {
  const child = startProgram('test/sync/signal-program.ts');
  let out = '';
  let sent = 0;
  child.stdout.on('data', (chunk) => {
    out += chunk;
    const lines = out.split('\n').length - 1;
    while (sent < Math.min(lines, osSignals.length)) child.kill(osSignals[sent++]);
  });
  return new Promise((done) => {
    child.on('close', (code, name) => done({ code, name, out: out.trim().split('\n') }));
  });
}

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the program in order, after what came before it', async (last) => {
  expect(await runProgram(['SIGUSR2', 'SIGUSR2', last])).toEqual({
    code: 0,
    name: null,
    out: ['ready', 'counted 1', 'counted 2', `${last}: ends`, 'worker cleans up', 'over'],
  });
});
