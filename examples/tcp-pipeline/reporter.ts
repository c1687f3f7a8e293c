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

export class Reporter {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
    // Whoever reads the lines may go away; the frames go on.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  }

  say(notice: Notice): void {
    const { text, ...rest } = notice;
    this.#write(this.#json ? JSON.stringify({ ...rest, text }) : text);
  }

  /** What a program reads, and a person does not need. */
  data(event: Record<string, unknown>): void {
    if (this.#json) this.#write(JSON.stringify(event));
  }

  /** What a person reads, and a program does not need. */
  text(line: string): void {
    if (!this.#json) this.#write(line);
  }

  #write(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}
