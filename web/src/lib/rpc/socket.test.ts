import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PING_EVERY_MS, PING_TIMEOUT_MS, RETRY_MS_MAX, RpcSocket, type SocketStatus, type Wire } from './socket';

class FakeWire implements Wire {
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  sent: { id: number; method: string; params: unknown[] }[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  receive(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

let wires: FakeWire[];
let statuses: SocketStatus[];
let socket: RpcSocket;
const last = () => wires[wires.length - 1] as FakeWire;

beforeEach(() => {
  vi.useFakeTimers();
  wires = [];
  statuses = [];
  const open = () => {
    const wire = new FakeWire();
    wires.push(wire);
    return wire;
  };
  socket = new RpcSocket(open, (status) => statuses.push(status), () => 0.5);
});

afterEach(() => {
  socket.stop();
  vi.useRealTimers();
});

describe('RpcSocket', () => {
  it('subscribes when open and hands results to the right listener', () => {
    const heads: unknown[] = [];
    const logs: unknown[] = [];
    socket.subscribe(['newHeads'], (head) => heads.push(head));
    socket.start();
    last().onopen?.();
    socket.subscribe(['logs', {}], (log) => logs.push(log));
    expect(last().sent.map((message) => message.params[0])).toEqual(['newHeads', 'logs']);
    last().receive({ id: 1, result: '0xa' });
    last().receive({ id: 2, result: '0xb' });
    last().receive({ method: 'eth_subscription', params: { subscription: '0xa', result: 'head' } });
    last().receive({ method: 'eth_subscription', params: { subscription: '0xb', result: 'log' } });
    expect(heads).toEqual(['head']);
    expect(logs).toEqual(['log']);
  });

  it('reconnects after a drop and asks for its subscriptions again', () => {
    const heads: unknown[] = [];
    socket.subscribe(['newHeads'], (head) => heads.push(head));
    socket.start();
    last().onopen?.();
    last().receive({ id: 1, result: '0xa' });
    last().onclose?.();
    expect(statuses.at(-1)).toBe('waiting');
    vi.advanceTimersByTime(500);
    expect(wires).toHaveLength(2);
    last().onopen?.();
    expect(statuses).toEqual(['connecting', 'live', 'waiting', 'connecting', 'live']);
    const asked = last().sent[0];
    expect(asked?.method).toBe('eth_subscribe');
    last().receive({ id: asked?.id, result: '0xc' });
    last().receive({ method: 'eth_subscription', params: { subscription: '0xc', result: 'again' } });
    expect(heads).toEqual(['again']);
  });

  it('waits longer each time, but never past the limit', () => {
    socket.start();
    let waited = 0;
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const before = wires.length;
      last().onclose?.();
      waited = 0;
      while (wires.length === before) {
        vi.advanceTimersByTime(100);
        waited += 100;
      }
    }
    expect(waited).toBe(RETRY_MS_MAX);
  });

  it('replaces a connection that has gone silent', () => {
    socket.start();
    const first = last();
    first.onopen?.();
    vi.advanceTimersByTime(PING_EVERY_MS);
    expect(first.sent.at(-1)?.method).toBe('eth_chainId');
    vi.advanceTimersByTime(PING_TIMEOUT_MS);
    expect(first.closed).toBe(true);
    expect(statuses.at(-1)).toBe('waiting');
  });

  it('keeps a connection that answers', () => {
    socket.start();
    last().onopen?.();
    for (let round = 0; round < 5; round += 1) {
      vi.advanceTimersByTime(PING_EVERY_MS);
      last().receive({ id: last().sent.at(-1)?.id, result: '0x1' });
    }
    expect(wires).toHaveLength(1);
  });

  it('unsubscribes, and does not hear more', () => {
    const heads: unknown[] = [];
    const stop = socket.subscribe(['newHeads'], (head) => heads.push(head));
    socket.start();
    last().onopen?.();
    last().receive({ id: 1, result: '0xa' });
    stop();
    expect(last().sent.at(-1)).toMatchObject({ method: 'eth_unsubscribe', params: ['0xa'] });
    last().receive({ method: 'eth_subscription', params: { subscription: '0xa', result: 'late' } });
    expect(heads).toEqual([]);
  });

  it('comes back at once when told the machine is online', () => {
    socket.start();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      last().onclose?.();
      vi.advanceTimersByTime(RETRY_MS_MAX * 1.25);
    }
    last().onclose?.();
    const before = wires.length;
    socket.retryNow();
    expect(wires).toHaveLength(before + 1);
  });

  it('ignores what is not JSON', () => {
    socket.start();
    last().onopen?.();
    expect(() => last().onmessage?.({ data: '<html>' })).not.toThrow();
  });
});
