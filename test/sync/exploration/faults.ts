/** Faults of the sync primitives: what the exploration must find. `npm run mutations sync` plants them, one at a time. */
import type { Fault } from '../../mutations/fault.ts';

const EVENT = 'src/sync/event.ts';
const OWNERSHIP = 'src/sync/ownership.ts';
const SEMAPHORE = 'src/sync/semaphore.ts';
const CONDITION = 'src/sync/condition.ts';
const QUEUE = 'src/sync/queue.ts';
const DOORWAY = 'src/sync/doorway.ts';
const PARKING = 'src/kernel/wait-queue.ts';
const SCOPE = 'src/kernel/cancel-scope.ts';

export const syncFaults: readonly Fault[] = [
  ['event: only the first is woken', EVENT, 'this.#line.wakeAll();', 'this.#line.wakeFirst();'],
  ['event: a set one makes wait', EVENT, 'if (this.#isSet) return', 'if (false) return'],
  ['event: clear does nothing', EVENT, 'this.#isSet = false;\n  }', '}'],
  ['event: is no source', EVENT, '{ source: true }', '{ source: false }'],
  ['lock: put down instead of handed on', OWNERSHIP, 'if (this.#top === undefined) this.#handOn();', ''],
  ['lock: taken though it is held', OWNERSHIP, 'if (top !== undefined && !(this', 'if (false && !(this'],
  ['lock: a guard frees what another holds', OWNERSHIP, 'this.#top = openHold(this.#top);', 'this.#top = hold.outer;'],
  [
    'lock: the line is woken from its end',
    PARKING,
    'first.previous = waiter;',
    'first.previous = waiter; this.#first = waiter;',
  ],
  ['rlock: anybody is its owner', OWNERSHIP, 'top.scope?.holder === holder', 'true'],
  ['rlock: its owner is not known again', OWNERSHIP, 'top.scope?.holder === holder', 'false'],
  ['rlock: anybody may release', OWNERSHIP, 'this.#ownerOnly && top.scope?.holder !== scope?.holder', 'false'],
  ['rlock: the first release frees it', OWNERSHIP, 'this.#top = openHold(this.#top);', 'this.#top = undefined;'],
  ['rlock: a time limit is another execution', SCOPE, 'parent?.holder ?? this', 'this'],
  [
    'condition: the lock is not given up',
    CONDITION,
    'this.#holds = owned.stepBack();',
    'this.#holds = owned.stepBack(); owned.comeBack(this.#holds, scope.cancelScope);',
  ],
  [
    'condition: the lock given up wakes nobody',
    OWNERSHIP,
    'this.#top = undefined;\n    this.#handOn();',
    'this.#top = undefined;',
  ],
  ['condition: goes on without the lock', CONDITION, 'await ticket.returned();', ''],
  ['condition: a cancelled wait does not come back', CONDITION, '(waiter.item as Ticket).comeBack();\n  }', '}'],
  ['condition: the lock is given to the dead', OWNERSHIP, '|| scope.refusal !== undefined', ''],
  ['condition: a cancel reaches who was notified', CONDITION, '{ shielded: true }', '{ shielded: false }'],
  [
    'condition: the end does not reach who was notified',
    CONDITION,
    'new CancelScope(cancelScope.host, cancelScope,',
    'new CancelScope(cancelScope.host, undefined,',
  ],
  ['condition: one notify too few', CONDITION, 'left > 0; left--', 'left > 1; left--'],
  ['condition: notify without the lock', CONDITION, 'this.#owned.check(this.#door.pass(options), word);', ''],
  ['condition: its scope is left behind', CONDITION, 'this.#shield?.close();', ''],
  [
    'condition: one acquire of several comes back',
    OWNERSHIP,
    'return hold;\n}\n\nfunction firstOf',
    'if (hold) return firstOf(hold);\n  return hold;\n}\n\nfunction firstOf',
  ],
  [
    'semaphore: a permit is doubled',
    SEMAPHORE,
    'if (!this.#line.wakeFirst(new Permit(this))) this.#value++;',
    'this.#line.wakeFirst(new Permit(this)); this.#value++;',
  ],
  [
    'semaphore: a permit is lost',
    SEMAPHORE,
    'if (!this.#line.wakeFirst(new Permit(this))) this.#value++;',
    'this.#line.wakeFirst(new Permit(this));',
  ],
  [
    'semaphore: put down before those who wait',
    SEMAPHORE,
    'if (!this.#line.wakeFirst(new Permit(this))) this.#value++;',
    'if (this.#line.length < 2) { if (!this.#line.wakeFirst(new Permit(this))) this.#value++; } else this.#value++;',
  ],
  ['semaphore: a guard gives back twice', SEMAPHORE, 'this.#semaphore = undefined;', ''],
  ['semaphore: the bound is one too high', SEMAPHORE, 'this.value >= this.#most', 'this.value > this.#most'],
  [
    'queue: a getter in line is passed over',
    QUEUE,
    'if (getter === undefined) this.#items.push(item);',
    'this.#items.push(item); if (getter === undefined) {}',
  ],
  [
    'queue: an item is doubled',
    QUEUE,
    'if (getter === undefined) this.#items.push(item);\n    else',
    'this.#items.push(item);\n    if (getter !== undefined)',
  ],
  ['queue: a putter is not let in', QUEUE, 'putter.wake();', ''],
  ['queue: the item of a putter is lost', QUEUE, 'this.#accept(putter.item as T);', ''],
  [
    'queue: takes one more than its bound',
    QUEUE,
    'this.#items.length >= this.maxSize',
    'this.#items.length > this.maxSize',
  ],
  [
    'queue: the joiners are not woken',
    QUEUE,
    'if (--this.#unfinished === 0) this.#joiners.wakeAll();',
    '--this.#unfinished;',
  ],
  [
    'queue: an item handed over is not counted',
    QUEUE,
    'this.#unfinished++;',
    'if (this.#getters.length === 0) this.#unfinished++;',
  ],
  ['queue: putters wait on after the close', QUEUE, 'putter.refuse(new QueueClosedError(putter.item));', 'break;'],
  [
    'queue: an iteration is refused at the close',
    QUEUE,
    'if (getter.item === ITERATING.item) getter.wake(END);\n      else',
    '',
  ],
  [
    'queue: takes in after the close',
    QUEUE,
    'if (this.#closed) return this.#door.refuse(new QueueClosedError(item));',
    '',
  ],
  [
    'queue: a full one lets tryPut in',
    QUEUE,
    'if (this.#closed || this.full) return false;',
    'if (this.#closed) return false;',
  ],
  [
    'queue: get is no source',
    QUEUE,
    "{ item: 'get' satisfies Getter, source: true }",
    "{ item: 'get' satisfies Getter, source: false }",
  ],
  [
    'a cancelled scope lets words in that need not wait',
    DOORWAY,
    'return refusal === undefined ? scope',
    'return refusal === undefined || source ? scope',
  ],
  ['a wait belongs to no scope', DOORWAY, 'scope: scope.cancelScope, item', 'scope: undefined, item'],
  [
    'what is cancelled stays in line',
    PARKING,
    'this.line.remove(this);\n    this.scope',
    'this.line = undefined;\n    this.scope',
  ],
  ['who was woken stays in its scope', PARKING, 'this.scope?.remove(this);\n    this.party', 'this.party'],
];
