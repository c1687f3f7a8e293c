// Comedy: in-memory actors without bounds. Each send gives a promise; one of a hundred is awaited.
import comedy from 'comedy';

async function withSystem(program) {
  const system = comedy({});
  system.getLog().setLevel(system.getLog().levels().Silent);
  try {
    return await program(await system.rootActor());
  } finally {
    await system.destroy();
  }
}

const tell = (work) =>
  withSystem(async (root) => {
    const arrivals = work.expectArrivals();
    const receiver = await root.createChild({
      tick(n) {
        arrivals.take(n);
      },
    });
    work.begin();
    for (let n = 0; n < work.size; n++) {
      const sent = receiver.send('tick', n);
      if (n % 100 === 99) await sent;
    }
    await work.ended;
  });

const ask = (work) =>
  withSystem(async (root) => {
    const responder = await root.createChild({ plusOne: (n) => n + 1 });
    const arrivals = work.expectArrivals();
    work.begin();
    for (let n = 0; n < work.size; n++) arrivals.take((await responder.sendAndReceive('plusOne', n)) - 1);
  });

const CHILDREN = 1_000;

const fanIn = (work) =>
  withSystem(async (root) => {
    const arrivals = work.expectArrivals(CHILDREN);
    const parent = await root.createChild({
      initialize(self) {
        this.self = self;
      },
      async grow() {
        const makeChild = (_, index) =>
          this.self.createChild({
            initialize(self) {
              this.parent = self.getParent();
            },
            async begin() {
              let round = 0;
              for (let n = index; n < work.size; n += CHILDREN) {
                const sent = this.parent.send('tick', n);
                if (++round % 100 === 0) await sent;
              }
            },
          });
        this.children = await Promise.all(Array.from({ length: CHILDREN }, makeChild));
      },
      begin() {
        for (const child of this.children) child.send('begin');
      },
      tick(n) {
        arrivals.takeOfMany(n);
      },
    });
    await parent.sendAndReceive('grow');
    work.begin();
    parent.send('begin');
    await work.ended;
  });

const fanOut = (work) =>
  withSystem(async (root) => {
    const arrivals = work.expectArrivals();
    const makeChild = () => {
      let due = 0;
      return root.createChild({
        tick(n) {
          const inTurn = n === due;
          due = n + 1;
          arrivals.add(inTurn);
        },
      });
    };
    const children = await Promise.all(Array.from({ length: CHILDREN }, makeChild));
    work.begin();
    for (let n = 0; n < work.size / CHILDREN; n++) {
      let last;
      for (const child of children) last = child.send('tick', n);
      await last;
    }
    await work.ended;
  });

const nursery = (what) => (work) =>
  withSystem(async (root) => {
    let ended = 0;
    const before = work.heapUsed();
    if (what === 'spawn') work.begin();
    let children = [];
    for (let i = 0; i < work.size; i++) {
      children.push(
        root.createChild({
          idle() {},
          destroy() {
            ended++;
          },
        }),
      );
      if (i % 100 === 99) await Promise.all(children.slice(-100));
    }
    children = await Promise.all(children);
    const began = children.length;
    if (what === 'spawn') work.end();
    work.figure('heap bytes each', (work.heapUsed() - before) / work.size);
    if (what === 'stop') work.begin();
    await Promise.all(children.map((child) => child.destroy()));
    if (what === 'stop') work.end();
    children = [];
    work.figure('heap bytes left, each', (work.heapUsed() - before) / work.size);
    return what === 'stop' ? ended : began;
  });

export const programs = {
  tell,
  ask,
  'fan-in': fanIn,
  'fan-out': fanOut,
  spawn: nursery('spawn'),
  stop: nursery('stop'),
};
