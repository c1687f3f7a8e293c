/**
 * How the thread of a connection gives its socket up, whatever became of it.
 */
import { TaskThreadError } from '../kernel/errors.ts';
import type { Socket } from '../net/socket.ts';
import type { Turn } from '../taskthread/turn.ts';

/** How long the end of a thread waits for what was written to go out. */
const FLUSH_MS = 500;

/** What was written still goes out, and the end after it, as far as the peer takes it soon; then the socket is closed. */
export async function closeInOrder(socket: Socket, turn: Turn<never>): Promise<void> {
  try {
    socket.end();
    await turn.timeoutAfter(FLUSH_MS, (limited) => socket.flush({ scope: limited }));
  } catch (error) {
    // A peer that is gone, or does not read, cannot be helped; all else is a mistake of ours.
    if (!(error instanceof TaskThreadError)) throw error;
  } finally {
    socket.close();
  }
}
