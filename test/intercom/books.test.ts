import { emptyBooks, imbalance } from '../../src/intercom/books.ts';

test('empty books are right', () => expect(imbalance(emptyBooks)).toBeUndefined());

test('books are right when both equations hold', () => {
  const books = { ...emptyBooks, offered: 10, accepted: 7, refused: 1, cancelled: 1, waiting: 1 };
  expect(imbalance({ ...books, handled: 3, dropped: 1, queued: 1, inFlight: 1, deadLettered: 1 })).toBeUndefined();
});

test.each(['accepted', 'refused', 'cancelled', 'waiting'] as const)('a signal more that is %s shows', (part) => {
  expect(imbalance({ ...emptyBooks, [part]: 1 })).toBe('offered is 0, but its parts make 1');
});

test.each(['handled', 'dropped', 'queued', 'inFlight', 'deadLettered'] as const)(
  'a signal more that is %s shows',
  (part) => {
    expect(imbalance({ ...emptyBooks, [part]: 1 })).toBe('accepted is 0, but its parts make 1');
  },
);
