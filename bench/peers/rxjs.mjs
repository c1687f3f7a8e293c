// RxJS: subjects. A `next` is a call through all subscribers: there is no queue, no bound and no turn of anybody else, so its
// rates are those of function calls.
import { asapScheduler, Subject } from 'rxjs';

async function tell(work) {
  const subject = new Subject();
  let next = 0;
  const subscription = subject.subscribe((n) => {
    if (n === next && ++next === work.size) work.end();
  });
  work.begin();
  for (let n = 0; n < work.size; n++) subject.next(n);
  await work.ended;
  subscription.unsubscribe();
  return next;
}

async function relay(work) {
  const subjects = Array.from({ length: 5 }, () => new Subject());
  const subscriptions = subjects.slice(1).map((to, i) => subjects[i].subscribe((n) => to.next(n)));
  let next = 0;
  const last = subjects[4].subscribe((n) => {
    if (n === next && ++next === work.size) work.end();
  });
  work.begin();
  for (let n = 0; n < work.size; n++) subjects[0].next(n);
  await work.ended;
  for (const subscription of [...subscriptions, last]) subscription.unsubscribe();
  return next;
}

const CHILDREN = 1_000;

async function fanIn(work) {
  let handled = 0;
  const parent = new Subject();
  const subscription = parent.subscribe(() => {
    if (++handled === work.size) work.end();
  });
  const children = Array.from({ length: CHILDREN }, () => {
    const child = new Subject();
    child.subscribe((n) => parent.next(n));
    return child;
  });
  work.begin();
  for (let n = 0; n < work.size / CHILDREN; n++) for (const child of children) child.next(n);
  await work.ended;
  subscription.unsubscribe();
  return handled;
}

async function fanOut(work) {
  let handled = 0;
  const subject = new Subject();
  for (let i = 0; i < CHILDREN; i++) {
    subject.subscribe(() => {
      handled++;
    });
  }
  work.begin();
  for (let n = 0; n < work.size / CHILDREN; n++) subject.next(n);
  work.end();
  subject.complete();
  return handled;
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
