// RxJS: subjects. A `next` is a call through all subscribers: there is no queue, no bound and no turn of anybody else, so its
// rates are those of function calls.
import { asapScheduler, Subject } from 'rxjs';

async function tell(work) {
  const subject = new Subject();
  const arrivals = work.expectArrivals();
  const subscription = subject.subscribe((n) => arrivals.take(n));
  work.begin();
  for (let n = 0; n < work.size; n++) subject.next(n);
  await work.ended;
  subscription.unsubscribe();
}

async function relay(work) {
  const subjects = Array.from({ length: 5 }, () => new Subject());
  const subscriptions = subjects.slice(1).map((to, i) => subjects[i].subscribe((n) => to.next(n)));
  const arrivals = work.expectArrivals();
  const last = subjects[4].subscribe((n) => arrivals.take(n));
  work.begin();
  for (let n = 0; n < work.size; n++) subjects[0].next(n);
  await work.ended;
  for (const subscription of [...subscriptions, last]) subscription.unsubscribe();
}

const CHILDREN = 1_000;

async function fanIn(work) {
  const arrivals = work.expectArrivals(CHILDREN);
  const parent = new Subject();
  const subscription = parent.subscribe((n) => arrivals.takeOfMany(n));
  const children = Array.from({ length: CHILDREN }, () => {
    const child = new Subject();
    child.subscribe((n) => parent.next(n));
    return child;
  });
  work.begin();
  for (let n = 0; n < work.size; ) for (const child of children) child.next(n++);
  await work.ended;
  subscription.unsubscribe();
}

async function fanOut(work) {
  const arrivals = work.expectArrivals();
  const subject = new Subject();
  for (let i = 0; i < CHILDREN; i++) {
    let due = 0;
    subject.subscribe((n) => {
      const inTurn = n === due;
      due = n + 1;
      arrivals.add(inTurn);
    });
  }
  work.begin();
  for (let n = 0; n < work.size / CHILDREN; n++) subject.next(n);
  subject.complete();
}

async function reschedule(work) {
  let turns = 0;
  work.begin();
  asapScheduler.schedule(function () {
    if (++turns < work.size) this.schedule();
    else work.end();
  });
  await work.ended;
  return turns;
}

export const programs = { tell, relay, 'fan-in': fanIn, 'fan-out': fanOut, reschedule };
