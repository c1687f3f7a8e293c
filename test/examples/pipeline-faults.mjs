// Makes a pipeline lie, so that the tests of the demo can show that it would be noticed. Preloaded with --import:
//   node --import file:///…/pipeline-faults.mjs?fault=swap-messages bench/pipeline/plain-node-pipeline.mjs …
// The faults sit at the edges (ws, the SQLite driver, stdout, the exit), so any program that uses these can be made to lie.
import { createRequire } from 'node:module';
import WebSocket from 'ws';

const EVERY = 1000;
const fault = new URL(import.meta.url).searchParams.get('fault');

function flipped(bytes) {
  const copy = Buffer.from(bytes);
  copy[copy.length - 1] ^= 1;
  return copy;
}

/** What happens to every thousandth one; `send` passes one on. */
const messageFaults = {
  'lose-messages': () => {},
  'repeat-messages': (send, bytes) => {
    send(bytes);
    send(bytes);
  },
  'corrupt-messages': (send, bytes) => send(flipped(bytes)),
  'swap-messages': (_send, bytes, state) => {
    state.held = bytes;
  },
};
const onMessage = messageFaults[fault];
if (onMessage !== undefined) {
  const original = Reflect.get(WebSocket.prototype, 'send');
  const states = new WeakMap();
  WebSocket.prototype.send = function (bytes, ...rest) {
    const send = (what) => original.call(this, what, ...rest);
    const state = states.get(this) ?? { count: 0, held: undefined };
    states.set(this, state);
    if (++state.count % EVERY === 0) return onMessage(send, bytes, state);
    send(bytes);
    if (state.held !== undefined) {
      send(state.held);
      state.held = undefined;
    }
  };
}

const rowFaults = {
  'lose-rows': () => {},
  'corrupt-rows': (run, [connection, sequence, at, payload]) => run(connection, sequence, at, flipped(payload)),
  'misnumber-rows': (run, [connection, sequence, at, payload]) => run(connection, sequence + 1, at, payload),
};
const onRow = rowFaults[fault];
if (onRow !== undefined) {
  const require = createRequire(import.meta.url);
  const Database = await import('node:sqlite').then(
    (module) => module.DatabaseSync,
    () => require('libsql'),
  );
  const { prepare } = Database.prototype;
  let count = 0;
  Database.prototype.prepare = function (sql) {
    const statement = prepare.call(this, sql);
    if (!/^\s*insert\b/i.test(sql)) return statement;
    const run = statement.run.bind(statement);
    statement.run = (...values) => (++count % EVERY === 0 ? onRow(run, values) : run(...values));
    return statement;
  };
}

if (fault === 'miscount') {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text, ...rest) =>
    write(
      String(text).replace(/"accepted":(\d+)/, (_, count) => `"accepted":${count - 1}`),
      ...rest,
    );
}
if (fault === 'fail-at-exit') process.on('exit', () => process.reallyExit(1));
if (fault === 'crash-soon') setTimeout(() => process.exit(7), 400);
