/**
 * The pipeline's voice: every line that it prints, as text for a person or, with `--json`, as one JSON object.
 */

/** Something worth a line: what happened, to whom, and in numbers. */
export interface Notice {
  readonly event: string;
  /** The same in words. */
  readonly text: string;
  readonly [field: string]: unknown;
}

/** `1 frame`, `2 frames`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

export class Reporter {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
    // Whoever reads the lines may go away; the frames go on.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  }

  say(notice: Notice): void {
    const { text, ...rest } = notice;
    this.#write(this.#json ? JSON.stringify({ ...rest, text }, inShort) : text);
  }

  /** What a program reads, and a person does not need. */
  data(event: Record<string, unknown>): void {
    if (this.#json) this.#write(JSON.stringify(event, inShort));
  }

  /** What a person reads, and a program does not need. */
  text(line: string): void {
    if (!this.#json) this.#write(line);
  }

  #write(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}

/** A report may hold what a thread hung on, or failed with: errors are to be read, and frames are not. */
function inShort(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const given = this[key];
  if (given instanceof Uint8Array) return counted(given.length, 'byte');
  if (!(given instanceof Error)) return value;
  const { name, message } = given;
  return Object.assign({ name, message }, given);
}
