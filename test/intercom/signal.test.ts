import { MessageSignal } from '../../src/intercom/signal.ts';

test('a message signal says who sent it, and what', () => {
  expect(new MessageSignal('/Master-1', { frames: 3 })).toMatchObject({ origin: '/Master-1', message: { frames: 3 } });
});
