/**
 * OTP's supervisor as an executable model, after the rules in its documentation and source (Erlang/OTP, `supervisor`): one mailbox,
 * one thing at a time. It shares no code with ours. What it logs is the order of starts and ends, and how the supervisor fares.
 *
 * Two things are ours. A child that ends and is not to be restarted is gone at once, also when a sibling's crash is still to be
 * dealt with (OTP may start it again with that sibling). And with one-for-one the starts go on side by side, so that an `enter`
 * that takes long holds nobody up: when the supervisor concludes because of another message that had come by then, they have not
 * begun, and give way.
 */
import type { AutoShutdown, RestartStrategy } from '../../src/index.ts';

export type ChildType = 'permanent' | 'transient' | 'temporary';

export interface ModelChild {
  readonly name: string;
  readonly type: ChildType;
  readonly significant: boolean;
}

export interface ModelOptions {
  readonly strategy: RestartStrategy;
  readonly intensity: number;
  readonly periodMs: number;
  readonly autoShutdown: AutoShutdown;
}

interface Running extends ModelChild {
  up: boolean;
}

type Message =
  /** It has ended, and is to be restarted, or not. */
  | { readonly kind: 'exit' | 'gone'; readonly child: Running }
  /** A start has failed; OTP sends itself a word to try again. */
  | { readonly kind: 'again'; readonly child: Running };

export class OtpSupervisor {
  readonly log: string[] = [];
  fate: 'running' | 'failed' | 'finished' = 'running';
  now = 0;
  readonly #options: ModelOptions;
  #children: Running[] = [];
  #mailbox: Message[] = [];
  #restarts: number[] = [];
  /** Children that were started since the mailbox was last looked into. */
  readonly #begun = new Set<Running>();
  /** How many of the next starts of a child fail. */
  readonly #failingStarts = new Map<string, number>();

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  get alive(): string[] {
    return this.#children.filter(({ up }) => up).map(({ name }) => name);
  }

  failNextStarts(name: string, times: number): void {
    this.#failingStarts.set(name, times);
  }

  /** start_child: one whose first start fails is not kept. */
  add(child: ModelChild): void {
    const running: Running = { ...child, up: false };
    if (this.#start(running)) this.#children.push(running);
  }

  /** The children end by themselves, in this order, before the supervisor has looked into its mailbox. */
  end(ends: readonly { readonly name: string; readonly normal: boolean }[]): void {
    for (const { name, normal } of ends) {
      const child = this.#children.find((one) => one.name === name && one.up);
      if (child === undefined) continue;
      child.up = false;
      this.log.push(`end ${name}`);
      const restarts = child.type === 'permanent' || (child.type === 'transient' && !normal);
      if (!restarts) this.#forget(child);
      this.#mailbox.push({ kind: restarts ? 'exit' : 'gone', child });
    }
    this.#readMail();
  }

  /** terminate_child and delete_child. */
  terminate(name: string): void {
    const child = this.#children.find((one) => one.name === name);
    if (child === undefined) return;
    this.#shutDown(child);
    this.#forget(child);
    this.#readMail();
  }

  #readMail(): void {
    const isSideBySide = this.#options.strategy === 'one-for-one';
    while (this.#mailbox.length > 0 && this.fate === 'running') {
      const before = this.log.length;
      this.#begun.clear();
      for (const mail of this.#mailbox.splice(0, isSideBySide ? Infinity : 1)) {
        if (this.fate === 'running') this.#read(mail);
      }
      if (this.fate === 'running') continue;
      if (isSideBySide) {
        this.log.length = before;
        for (const child of this.#begun) child.up = false;
      }
      for (const child of [...this.#children].reverse()) this.#shutDown(child);
    }
  }

  #read({ kind, child }: Message): void {
    if (kind === 'gone') {
      if (child.significant) this.#significantEnded();
    } else if (this.#children.includes(child) && !child.up) this.#restart(child);
  }

  #significantEnded(): void {
    const { autoShutdown } = this.#options;
    const othersLeft = this.#children.some(({ significant }) => significant);
    if (autoShutdown === 'any' || (autoShutdown === 'all' && !othersLeft)) this.fate = 'finished';
  }

  #restart(child: Running): void {
    const { intensity, periodMs, strategy } = this.#options;
    this.#restarts = [...this.#restarts.filter((then) => this.now <= then + periodMs), this.now];
    if (this.#restarts.length > intensity) {
      this.fate = 'failed';
      return;
    }
    if (strategy === 'one-for-one') {
      if (!this.#start(child)) this.#mailbox.push({ kind: 'again', child });
      return;
    }
    const from = strategy === 'one-for-all' ? 0 : this.#children.indexOf(child);
    const affected = this.#children.slice(from);
    for (const one of [...affected].reverse()) this.#shutDown(one);
    for (const one of affected) if (one.type === 'temporary') this.#forget(one);
    for (const one of affected) {
      if (one.type === 'temporary' || this.#start(one)) continue;
      this.#mailbox.push({ kind: 'again', child: one });
      return;
    }
  }

  #start(child: Running): boolean {
    this.log.push(`start ${child.name}`);
    this.#begun.add(child);
    const failing = this.#failingStarts.get(child.name) ?? 0;
    if (failing === 0) {
      child.up = true;
      return true;
    }
    this.#failingStarts.set(child.name, failing - 1);
    this.log.push(`end ${child.name}`);
    return false;
  }

  /** Its exit, if it has come already, is taken out of the mailbox. */
  #shutDown(child: Running): void {
    this.#mailbox = this.#mailbox.filter((mail) => mail.child !== child || mail.kind !== 'exit');
    if (!child.up) return;
    child.up = false;
    this.log.push(`end ${child.name}`);
  }

  #forget(child: Running): void {
    this.#children = this.#children.filter((one) => one !== child);
  }
}
