// The live feed: every subscriber gets the frames, and a slow one loses the oldest, is told, and holds up nobody.
import { once } from 'node:events';
import WebSocket from 'ws';
import type { PipelineRig } from '../../examples/tcp-pipeline/demo/rig.ts';
import {
  beyondReference,
  endProcessesAfterEach,
  MEMORY_LIMIT,
  prefixed,
  RawDevice,
  startRig,
  totalsOf,
  until,
} from './pipeline-process.ts';

endProcessesAfterEach();

class Subscriber {
  readonly socket: WebSocket;
  /** Sequences of the frames, which carry theirs in bytes 4 to 7. */
  readonly sequences: number[] = [];
  readonly notices: { event: string; frames: number }[] = [];

  constructor(rig: PipelineRig) {
    this.socket = new WebSocket(`ws://127.0.0.1:${Number(rig.pipeline.latest('ready')?.feedPort)}/`);
    subscribers.push(this.socket);
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.sequences.push(data.length >= 8 ? data.readUInt32BE(4) : -1);
      else this.notices.push(JSON.parse(data.toString()));
    });
  }

  get lost(): number {
    return this.notices.reduce((total, { frames }) => total + frames, 0);
  }
}

const subscribers: WebSocket[] = [];
afterEach(() => {
  for (const socket of subscribers.splice(0)) socket.terminate();
});

const startFeed = (): Promise<PipelineRig> => startRig({ options: ['--feed-port', '0'] });

beyondReference('gives every subscriber the frames that come after it has subscribed', async () => {
  const rig = await startFeed();
  const device = await RawDevice.connect(rig.port);
  await device.send(prefixed('too early'));
  await until('it is forwarded', async () => (await rig.clouds[0]!.ask('stats', 'stats', 5000)).messages === 1);
  const both = [new Subscriber(rig), new Subscriber(rig)];
  await Promise.all(both.map(({ socket }) => once(socket, 'open')));
  rig.startDevices('--connections', '1', '--frames', '500');
  const all = Array.from({ length: 500 }, (_, i) => i + 1);
  for (const subscriber of both) {
    await until('the frames are there', () => subscriber.sequences.length >= 500);
    expect(subscriber.sequences).toEqual(all);
    expect(subscriber.notices).toEqual([]);
  }
  const closed = both.map(({ socket }) => once(socket, 'close'));
  const stopped = await rig.stop(10_000);
  expect(stopped.exit.code).toBe(0);
  expect(totalsOf(stopped).feedDropped).toBe(0);
  await Promise.all(closed);
});

beyondReference(
  'drops the oldest for a slow subscriber, tells it how many, and holds up nothing',
  async () => {
    const frames = 4000;
    const rig = await startRig({ expect: frames, options: ['--feed-port', '0'] });
    const slow = new Subscriber(rig);
    await once(slow.socket, 'open');
    slow.socket.pause();
    // More than the socket buffers on the way to it can take.
    rig.startDevices('--connections', '1', '--frames', `${frames}`, '--size', '32768', '--no-digest');
    await rig.waitDelivered(20_000); // the cloud and the file have it all, although it reads nothing
    expect(slow.sequences.length).toBeLessThan(frames);

    slow.socket.resume();
    await until('it has the last frame', () => slow.sequences.at(-1) === frames, 20_000);
    expect(slow.notices.length).toBeGreaterThan(0);
    expect(slow.notices.every(({ event, frames: lost }) => event === 'dropped' && lost > 0)).toBe(true);
    expect(slow.lost + slow.sequences.length).toBe(frames);
    expect(slow.sequences).toEqual([...slow.sequences].sort((a, b) => a - b));
    const stopped = await rig.stop(10_000);
    expect(stopped.exit.code).toBe(0);
    expect(totalsOf(stopped).feedDropped).toBe(slow.lost);
    expect(rig.peakMemory).toBeLessThan(MEMORY_LIMIT);
  },
  60_000,
);

beyondReference(
  'ends in time although a subscriber reads nothing',
  async () => {
    const rig = await startFeed();
    const slow = new Subscriber(rig);
    await once(slow.socket, 'open');
    slow.socket.pause();
    const devices = rig.startDevices('--connections', '1', '--frames', '4000', '--size', '32768', '--no-digest');
    await devices.waitExit(20_000);
    const { exit, elapsedMs } = await rig.stop(12_000);
    expect(exit.code).toBe(0);
    expect(elapsedMs).toBeLessThan(9_000);
  },
  60_000,
);

beyondReference(
  'goes on while subscribers come and leave under load',
  async () => {
    const rig = await startRig({ expect: 200_000, options: ['--feed-port', '0'] });
    let visits = 0;
    let goesOn = true;
    const visit = (): void => {
      const { socket } = new Subscriber(rig);
      socket.once('open', () =>
        setTimeout(() => (visits++ % 2 === 0 ? socket.terminate() : socket.close()), visits % 20),
      );
      socket.once('close', () => {
        if (goesOn) visit();
      });
    };
    for (let i = 0; i < 4; i++) visit();
    rig.startDevices('--frames', '200000', '--no-digest');
    await rig.waitDelivered(30_000);
    await until('many have come and left', () => visits > 50);
    goesOn = false;
    expect(rig.pipeline.exit).toBeUndefined();
    expect((await rig.stop(10_000)).exit.code).toBe(0);
  },
  60_000,
);

beyondReference('a connection that says nothing does not keep the process alive', async () => {
  const rig = await startFeed();
  const silent = await RawDevice.connect(Number(rig.pipeline.latest('ready')?.feedPort));
  expect((await rig.stop(5_000)).exit.code).toBe(0);
  await silent.closed;
});
