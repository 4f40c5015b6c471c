// One WebSocket to the node that outlives its connections: subscriptions are asked for again after
// every reconnect, and a connection that has gone silent is replaced.

export type SocketStatus = 'connecting' | 'live' | 'waiting';

export const RETRY_MS_MIN = 500;
export const RETRY_MS_MAX = 10_000;
export const PING_EVERY_MS = 15_000;
export const PING_TIMEOUT_MS = 8_000;

/** What we use of the browser's WebSocket, so that a test can stand in for it. */
export interface Wire {
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send(text: string): void;
  close(): void;
}

interface Subscription {
  readonly params: readonly unknown[];
  readonly onResult: (result: unknown) => void;
  remoteId: string | null;
}

export class RpcSocket {
  #wire: Wire | null = null;
  #nextId = 1;
  #attempts = 0;
  #live = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;
  #deadTimer: ReturnType<typeof setTimeout> | undefined;
  #answers = new Map<number, (result: unknown) => void>();
  readonly #subscriptions = new Set<Subscription>();

  constructor(
    private readonly open: () => Wire,
    private readonly onStatus: (status: SocketStatus) => void,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    if (this.#wire === null) this.#connect();
  }

  /** Tries at once, for example because the machine is back online. */
  retryNow(): void {
    if (this.#wire !== null || this.#retryTimer === undefined) return;
    this.#attempts = 0;
    this.#connect();
  }

  stop(): void {
    const wire = this.#wire;
    this.#drop();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    wire?.close();
  }

  /** `eth_subscribe` with these parameters for as long as the caller wants it. */
  subscribe(params: readonly unknown[], onResult: (result: unknown) => void): () => void {
    const subscription: Subscription = { params, onResult, remoteId: null };
    this.#subscriptions.add(subscription);
    if (this.#live) this.#ask(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
      if (subscription.remoteId !== null && this.#live) this.#send('eth_unsubscribe', [subscription.remoteId], () => {});
    };
  }

  #connect(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.onStatus('connecting');
    let wire: Wire;
    try {
      wire = this.open();
    } catch {
      this.#retryLater();
      return;
    }
    this.#wire = wire;
    wire.onopen = () => {
      if (this.#wire !== wire) return;
      this.#live = true;
      this.#attempts = 0;
      this.onStatus('live');
      for (const subscription of this.#subscriptions) this.#ask(subscription);
      this.#pingLater();
    };
    wire.onmessage = (event) => {
      if (this.#wire === wire) this.#receive(event.data);
    };
    wire.onclose = () => {
      if (this.#wire !== wire) return;
      this.#drop();
      this.#retryLater();
    };
  }

  #drop(): void {
    if (this.#wire !== null) this.#wire.onopen = this.#wire.onclose = this.#wire.onmessage = null;
    this.#wire = null;
    this.#live = false;
    this.#answers.clear();
    clearTimeout(this.#pingTimer);
    clearTimeout(this.#deadTimer);
    for (const subscription of this.#subscriptions) subscription.remoteId = null;
  }

  #retryLater(): void {
    this.onStatus('waiting');
    const delay = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    // Some spread, so that a thousand pages do not return to a restarted node in the same instant.
    this.#retryTimer = setTimeout(() => this.#connect(), delay * (0.75 + this.random() * 0.5));
  }

  #ask(subscription: Subscription): void {
    this.#send('eth_subscribe', [...subscription.params], (result) => {
      if (this.#subscriptions.has(subscription)) subscription.remoteId = String(result);
      else this.#send('eth_unsubscribe', [result], () => {});
    });
  }

  #send(method: string, params: unknown[], onAnswer: (result: unknown) => void): void {
    const id = this.#nextId++;
    this.#answers.set(id, onAnswer);
    this.#wire?.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  }

  #receive(data: unknown): void {
    this.#pingLater();
    let message: { id?: number; result?: unknown; method?: string; params?: { subscription?: string; result?: unknown } };
    try {
      message = JSON.parse(String(data));
    } catch {
      return; // not JSON-RPC: nothing of ours
    }
    if (message.id !== undefined) {
      const onAnswer = this.#answers.get(message.id);
      this.#answers.delete(message.id);
      if (message.result !== undefined) onAnswer?.(message.result);
      return;
    }
    for (const subscription of this.#subscriptions) {
      if (subscription.remoteId !== null && subscription.remoteId === message.params?.subscription) {
        subscription.onResult(message.params.result);
      }
    }
  }

  /** Silence is checked with a question: a laptop that slept keeps a dead socket "open" for minutes. */
  #pingLater(): void {
    clearTimeout(this.#pingTimer);
    clearTimeout(this.#deadTimer);
    this.#pingTimer = setTimeout(() => {
      this.#send('eth_chainId', [], () => {});
      this.#deadTimer = setTimeout(() => {
        const wire = this.#wire;
        this.#drop();
        wire?.close();
        this.#retryLater();
      }, PING_TIMEOUT_MS);
    }, PING_EVERY_MS);
  }
}
