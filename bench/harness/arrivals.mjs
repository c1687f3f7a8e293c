// What has arrived of what was sent: how many, and how many of them out of turn. From each sender, and at each receiver, the numbers
// are due in the order sent, each of them once, and none behind the last.

export class Arrivals {
  count = 0;
  outOfTurn = 0;
  #size;
  #whenAll;
  #due = 0;
  #dueOf;

  constructor(size, whenAll, senders = 0) {
    this.#size = size;
    this.#whenAll = whenAll;
    this.#dueOf = Int32Array.from({ length: senders }, (_, sender) => sender);
  }

  /** From the only sender, who sends 0, 1, 2 … */
  take(n) {
    const inTurn = n === this.#due;
    // One that is lost or early does not make all that follow wrong.
    this.#due = n + 1;
    this.add(inTurn);
  }

  /** From one of many senders: number s of S sends s, s + S, s + 2 S … */
  takeOfMany(n) {
    const due = this.#dueOf;
    const sender = n % due.length;
    const inTurn = n === due[sender] && n < this.#size;
    due[sender] = n + due.length;
    this.add(inTurn);
  }

  /** Where each of many receivers knows what is due to it, and how much in all: else one could have the signals of others. */
  add(inTurn) {
    if (!inTurn) this.outOfTurn++;
    if (++this.count === this.#size) this.#whenAll();
  }

  /** What is wrong, in words; nothing when all has arrived, once and in order. */
  problem() {
    const { count, outOfTurn } = this;
    if (outOfTurn > 0) return `delivered ${count} of ${this.#size}, ${outOfTurn} of them out of turn`;
    return count === this.#size ? undefined : `delivered ${count} of ${this.#size}`;
  }
}
