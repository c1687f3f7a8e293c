import fc from 'fast-check';
import { ByteQueue } from '../../src/net/byte-queue.ts';

const bytes = (maxLength: number) =>
  fc.uint8Array({ minLength: 1, maxLength, size: 'max' }).map((array) => Buffer.from(array));

test('gives back every byte once and in order, however it is filled and taken', () => {
  const step = fc.oneof(
    fc.record({ push: bytes(1500) }),
    fc.record({ some: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ exactly: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ into: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ find: fc.integer({ min: 0, max: 255 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new ByteQueue();
      const handedOut: { got: Buffer; expected: Buffer }[] = [];
      let model = Buffer.alloc(0);
      const took = (got: Buffer) => {
        handedOut.push({ got, expected: model.subarray(0, got.length) });
        model = model.subarray(got.length);
      };
      for (const step of steps) {
        if ('push' in step) {
          queue.push(step.push);
          model = Buffer.concat([model, step.push]);
        } else if ('some' in step) took(queue.takeSome(step.some));
        else if ('exactly' in step) took(queue.take(Math.min(step.exactly, queue.length)));
        else if ('into' in step) {
          const memory = Buffer.alloc(step.into);
          took(memory.subarray(0, queue.takeInto(memory)));
        } else {
          const found = queue.find(step.find, { chunk: 0, offset: 0, before: 0 });
          expect(found).toBe(model.includes(step.find) ? model.indexOf(step.find) + 1 : -1);
        }
        expect(queue.length).toBe(model.length);
      }
      // Compared at the end, so that memory written to after it was handed out would show.
      for (const { got, expected } of handedOut) expect(got.equals(expected)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('hands out the very memory that came, where it lies in one chunk', () => {
  const queue = new ByteQueue();
  const chunk = Buffer.alloc(5000, 1);
  queue.push(chunk);
  const first = queue.takeSome(10);
  const second = queue.take(4990);
  expect([first.buffer, second.buffer]).toEqual([chunk.buffer, chunk.buffer]);
  expect(second.byteOffset).toBe(chunk.byteOffset + 10);
});

test('goes on searching where it stopped when more comes', () => {
  const queue = new ByteQueue();
  const position = { chunk: 0, offset: 0, before: 0 };
  const searched: number[] = [];
  for (let i = 0; i < 5000; i++) {
    queue.push(Buffer.from('x'));
    expect(queue.find(10, position)).toBe(-1);
    searched.push(position.before + position.offset);
  }
  queue.push(Buffer.from('\n'));
  expect(queue.find(10, position)).toBe(5001);
  expect(searched.at(-1)).toBe(5000);
});

test('gathers single bytes, so that a million of them are few objects', () => {
  const queue = new ByteQueue();
  for (let i = 0; i < 1_000_000; i++) queue.push(Buffer.from([i & 255]));
  let objects = 0;
  for (let at = 0; at < 1_000_000; objects++) at += queue.takeSome(1_000_000).length;
  expect(objects).toBeLessThan(300);
});

test('memory of gathered bytes that was handed out is not written to again', () => {
  const queue = new ByteQueue();
  const views: Buffer[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 10; i++) queue.push(Buffer.from(`${round}`));
    views.push(queue.takeSome(5), queue.takeSome(100));
  }
  expect(views.map(String)).toEqual(['00000', '00000', '11111', '11111', '22222', '22222']);
});

test('takes nothing from an empty queue, and nothing of no bytes', () => {
  const queue = new ByteQueue();
  queue.push(Buffer.alloc(0));
  expect([queue.length, queue.takeSome(5).length, queue.take(0).length, queue.takeInto(Buffer.alloc(3))]).toEqual([
    0, 0, 0, 0,
  ]);
  queue.push(Buffer.from('a'));
  queue.clear();
  expect([queue.length, queue.find(97, { chunk: 0, offset: 0, before: 0 })]).toEqual([0, -1]);
});
