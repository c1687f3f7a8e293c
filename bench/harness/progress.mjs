// What is being done just now, on stderr: one line that is written over on a terminal, a line each elsewhere.

let shown = false;

export function progress(text) {
  if (!process.stderr.isTTY) {
    process.stderr.write(`${text}\n`);
    return;
  }
  process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  shown = true;
}

/** Before anything else is written. */
export function progressOver() {
  if (shown) process.stderr.write('\r\x1b[K');
  shown = false;
}
