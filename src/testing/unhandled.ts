/**
 * Unhandled rejections, heard while a simulation runs. What was there to hear them before (a test runner that would fail its
 * test) hears them again afterwards.
 */

type Listener = (error: unknown) => void;

/**
 * The process itself. A test runner may give its tests a copy, which hears of no rejection; the functions that come from
 * outside of the copy lead to the real one.
 */
function realProcess(): NodeJS.Process {
  try {
    return (process.memoryUsage.constructor as FunctionConstructor)('return process')() as NodeJS.Process;
  } catch {
    // Making code from text is switched off: then nobody runs this in a copy either.
    return process;
  }
}

/** Hears every unhandled rejection of the process, alone, until the function that it gives is called. */
export function hearUnhandled(listener: Listener): () => void {
  const heard = realProcess();
  const others = heard.rawListeners('unhandledRejection') as Listener[];
  heard.removeAllListeners('unhandledRejection');
  heard.on('unhandledRejection', listener);
  return () => {
    heard.off('unhandledRejection', listener);
    for (const other of others) heard.on('unhandledRejection', other);
  };
}
