// The demo's frames: what a receiver's check finds, and what it must not find.
import { combineDigests, FrameCheck, Pattern, StreamDigest } from '../../examples/tcp-pipeline/demo/frames.ts';

const pattern = new Pattern(7);
const frame = (connection: number, sequence: number, size = 64): Buffer => {
  const buffer = Buffer.alloc(size);
  pattern.fill(buffer, 0, size, connection, sequence);
  return buffer;
};
const checked = (frames: readonly Buffer[], carriers: readonly number[] = []): FrameCheck => {
  const check = new FrameCheck(pattern, { digests: true });
  for (const [index, each] of frames.entries()) check.add(each, carriers[index] ?? 0);
  return check;
};
const faultless = { repeats: 0, missing: 0, outOfOrder: 0, corrupt: 0 };

test.each([8, 9, 64, 4096, 131_072, 131_080, 1 << 20])('a frame of %d bytes is what the device made', (size) => {
  expect(checked([frame(3, 1, size)]).counts()).toMatchObject({ ...faultless, messages: 1, unique: 1, bytes: size });
});

test('any changed byte behind the header is found', () => {
  const size = 200_000;
  for (const at of [8, 9, 70_000, 131_072, 140_000, size - 1]) {
    const changed = frame(1, 1, size);
    changed[at]! ^= 1;
    expect(checked([changed]).counts()).toMatchObject({ corrupt: 1, unique: 0 });
  }
});

test('a frame with the header of another is corrupt', () => {
  const other = frame(1, 1);
  other.writeUInt32BE(2, 4);
  expect(checked([other]).counts()).toMatchObject({ corrupt: 1 });
  expect(checked([Buffer.alloc(3)]).counts()).toMatchObject({ corrupt: 1 });
});

test.each([
  { what: 'two connections mixed', frames: [frame(0, 1), frame(1, 1), frame(1, 2), frame(0, 2)], found: {} },
  { what: 'a lost frame', frames: [frame(0, 1), frame(0, 3)], found: { missing: 1, outOfOrder: 1 } },
  { what: 'a lost first frame', frames: [frame(0, 2)], found: { missing: 1 } },
  { what: 'a frame twice', frames: [frame(0, 1), frame(0, 1)], found: { repeats: 1, outOfOrder: 1 } },
  {
    what: 'two frames exchanged',
    frames: [frame(0, 1), frame(0, 3), frame(0, 2), frame(0, 4)],
    found: { missing: 1, repeats: 1, outOfOrder: 3 },
  },
])('finds $what', ({ frames, found }) => {
  expect(checked(frames).counts()).toMatchObject({ ...faultless, ...found });
});

test('a new carrier may repeat, in order, but not leave out', () => {
  const again = checked([frame(0, 1), frame(0, 2), frame(0, 1), frame(0, 2), frame(0, 3)], [1, 1, 2, 2, 2]);
  expect(again.counts()).toMatchObject({ ...faultless, unique: 3, repeats: 2 });
  const leftOut = checked([frame(0, 1), frame(0, 3)], [1, 2]);
  expect(leftOut.counts()).toMatchObject({ ...faultless, missing: 1 });
  const unordered = checked([frame(0, 1), frame(0, 2), frame(0, 2), frame(0, 1)], [1, 1, 2, 2]);
  expect(unordered.counts()).toMatchObject({ repeats: 2, outOfOrder: 1 });
});

test('a later receiver goes on where the earlier one left off, with its faults', () => {
  const later = new FrameCheck(pattern);
  later.resume(JSON.parse(JSON.stringify(checked([frame(0, 1), frame(0, 3)]).memory())));
  later.add(frame(0, 3), 1);
  later.add(frame(0, 4), 1);
  expect(later.counts()).toMatchObject({ unique: 3, missing: 1, repeats: 1, outOfOrder: 1, messages: 2 });
});

test('the digest depends on content, order and limits of frames, and not on how connections are mixed', () => {
  const straight = checked([frame(0, 1), frame(0, 2), frame(1, 1)]).digest();
  expect(checked([frame(1, 1), frame(0, 1), frame(0, 2)]).digest()).toBe(straight);
  expect(checked([frame(0, 1), frame(0, 2)]).digest()).not.toBe(straight);
  expect(checked([frame(0, 1), frame(0, 2), frame(1, 1, 65)]).digest()).not.toBe(straight);
});

test('the digest of single frames is that of the bytes on the wire, for any sizes', () => {
  const sizes = [8, 16_380, 16_376, 64, 16_384, 40_000, 9];
  const single = new StreamDigest();
  const wire: Buffer[] = [];
  for (const [index, size] of sizes.entries()) {
    const each = frame(5, index + 1, size);
    single.add(each);
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(size);
    wire.push(prefix, each);
  }
  const whole = new StreamDigest();
  whole.addPrefixed(Buffer.concat(wire));
  const digest = single.end();
  expect(whole.end()).toBe(digest);
  expect(combineDigests(new Map([[5, digest]]))).not.toBe(combineDigests(new Map([[6, digest]])));
});
