/** Faults of groups: what the exploration must find. `npm run mutations groups` plants them, one at a time. */
import type { Fault } from '../../mutations/fault.ts';

const MEMBERS = 'src/taskthread/group-members.ts';
const GROUP = 'src/taskthread/thread-group.ts';

export const groupFaults: readonly Fault[] = [
  [
    'who waits is given nobody',
    MEMBERS,
    'if (this.#takers.length > 0) this.#takers.wakeFirst(body);',
    'if (false) return;',
  ],
  ['those that have ended are given from the last', MEMBERS, 'this.#done.push(body);', 'this.#done.unshift(body);'],
  ['who waits is not told that there is none left', MEMBERS, 'this.#takers.wakeAll(undefined);', ''],
  ['who joins is not told that there is none left', MEMBERS, 'this.#joiners.wakeAll(undefined);', ''],
  ['what was given back comes last', MEMBERS, 'else this.#done.unshift(body);', 'else this.#done.push(body);'],
  ['what could not be given is lost', GROUP, 'if (body !== undefined) this.#members.takeBack(body);', ''],
  ['daemons are waited for', MEMBERS, 'if (!body.daemon) this.#awaited++;', 'this.#awaited++;'],
  [
    'a wait belongs to no scope',
    MEMBERS,
    'this.#takers.park(this, { scope: wait.cancelScope, by: wait })',
    'this.#takers.park(this, { by: wait })',
  ],
  [
    'a member that ends its group waits for itself',
    MEMBERS,
    'saidIn === undefined ? this.#enders : this.#insiders',
    'this.#enders',
  ],
  [
    'members that end their group wait for each other',
    MEMBERS,
    'if (inside.size === this.#alive.size)',
    'if (this.#alive.size < 2)',
  ],
  [
    'the clean-up of members is not waited for',
    MEMBERS,
    'if (this.#alive.size === 0) {',
    'if (this.#alive.size >= 0) {',
  ],
  ['failures that were seen are told', MEMBERS, '.filter((body) => !body.taken)', ''],
  [
    'what was told to one join is not told to another',
    GROUP,
    'this.#throwFailed(this.#told);',
    'this.#throwFailed(this.#told.splice(0));',
  ],
  ['a failed member does not end the wait', GROUP, 'if (body.failed) return true;', 'if (body.failed) return false;'],
  [
    'any answer ends the wait',
    GROUP,
    'return body.returned ? this.#isAnswer(body) : this',
    'return body.returned ? true : this',
  ],
  ['nothing is something', GROUP, "this.#wait === 'object' && (", "this.#wait === 'none' && ("],
  ['one answer is enough for all', GROUP, "return this.#wait !== 'all';", 'return true;'],
  ['completed is the last', GROUP, 'this.#completed ??= ', 'this.#completed = '],
  [
    'the rest is not cancelled',
    GROUP,
    'await this.#afterCancels(this.#cancelMembers(), undefined, saidIn);',
    'await this.#afterCancels(undefined, undefined, saidIn);',
  ],
  ['a joined group stays open', GROUP, 'this.#closed = true;\n    await', 'await'],
  ['a closed group takes members', GROUP, 'if (this.#closed) {', 'if (false) {'],
  ['the others are cancelled unasked', GROUP, 'if (options.cancelRemaining !== true) return body;', ''],
  [
    'a join in a cancelled scope goes on',
    GROUP,
    "if (this.#closed || this.#wait === 'none') wait.cancelScope.check();",
    "if (this.#closed || this.#wait === 'none') this.size;",
  ],
  ['the error of the block is swallowed', GROUP, 'body.disown();\n      throw error;', 'body.disown();'],
];
