/** A fault that can be planted in the library, and how it is. Who looks for which faults is in `hunts`. */

/** What the fault is, in which file, the text that stands there (exactly once), and what is put in its place. */
export type Fault = readonly [name: string, file: string, text: string, planted: string];

/** Undefined where the text does not stand there exactly once, so that nobody knows what would be planted. */
export function plant(source: string, [, , text, planted]: Fault): string | undefined {
  const parts = source.split(text);
  return parts.length === 2 ? parts.join(planted) : undefined;
}
