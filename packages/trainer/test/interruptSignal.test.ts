import { interruptSignal } from '../src/interruptSignal';

describe('interruptSignal', () => {
  function source() {
    const listeners = new Map<string, (name: string) => void>();
    const exits: number[] = [];
    return {
      listeners,
      exits,
      on: (event: string, listener: (name: string) => void) => listeners.set(event, listener),
      off: (event: string) => listeners.delete(event),
      exit: (code: number) => exits.push(code),
    };
  }

  test('the first aborts, the second exits', () => {
    const fake = source();
    const { signal, release } = interruptSignal(fake);
    expect(signal.aborted).toBe(false);
    fake.listeners.get('SIGINT')!('SIGINT');
    expect([signal.aborted, fake.exits]).toEqual([true, []]);
    fake.listeners.get('SIGINT')!('SIGINT');
    fake.listeners.get('SIGTERM')!('SIGTERM');
    expect(fake.exits).toEqual([130, 143]);
    release();
    expect(fake.listeners.size).toBe(0);
  });

  test('listens to the process', () => {
    const before = process.listenerCount('SIGINT');
    const { signal, release } = interruptSignal();
    process.emit('SIGTERM', 'SIGTERM');
    expect(signal.aborted).toBe(true);
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
    release();
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
