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
    let next = 0;
    const receiver = await root.createChild({
      tick(n) {
        if (n === next && ++next === work.size) work.end();
      },
    });
    work.begin();
    for (let n = 0; n < work.size; n++) {
      const sent = receiver.send('tick', n);
      if (n % 100 === 99) await sent;
    }
    await work.ended;
    return next;
  });

const ask = (work) =>
  withSystem(async (root) => {
    const responder = await root.createChild({ plusOne: (n) => n + 1 });
    let answered = 0;
    work.begin();
    for (let n = 0; n < work.size; n++) if ((await responder.sendAndReceive('plusOne', n)) === n + 1) answered++;
    work.end();
    return answered;
  });

const CHILDREN = 1_000;

const fanIn = (work) =>
  withSystem(async (root) => {
    let handled = 0;
    const each = work.size / CHILDREN;
    const parent = await root.createChild({
      initialize(self) {
        this.self = self;
      },
      async grow() {
        const makeChild = () =>
          this.self.createChild({
            initialize(self) {
              this.parent = self.getParent();
            },
            async begin() {
              for (let n = 0; n < each; n++) {
                const sent = this.parent.send('tick', n);
                if (n % 100 === 99) await sent;
              }
            },
          });
        this.children = await Promise.all(Array.from({ length: CHILDREN }, makeChild));
      },
      begin() {
        for (const child of this.children) child.send('begin');
      },
      tick() {
        if (++handled === work.size) work.end();
      },
    });
    await parent.sendAndReceive('grow');
    work.begin();
    parent.send('begin');
    await work.ended;
    return handled;
  });

const fanOut = (work) =>
  withSystem(async (root) => {
    let handled = 0;
    const makeChild = () =>
      root.createChild({
        tick() {
          if (++handled === work.size) work.end();
        },
      });
    const children = await Promise.all(Array.from({ length: CHILDREN }, makeChild));
    work.begin();
    for (let n = 0; n < work.size / CHILDREN; n++) {
      let last;
      for (const child of children) last = child.send('tick', n);
      await last;
    }
    await work.ended;
    return handled;
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
