// JSON-RPC and REST over HTTP, same origin. An error says whose fault it is: `Unreachable` is the way
// to the node, `Refused` is the node's own answer.

export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('the node cannot be reached', { cause });
  }
}

export class Refused extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: unknown = null,
  ) {
    super(message);
  }
}

const PRUNED = 4444;

/** Whether a node refused because it no longer keeps what was asked for ("pruned history unavailable"). */
export const isPruned = (error: unknown): boolean => error instanceof Refused && error.code === PRUNED;

async function fetchJson(url: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable(error);
  }
  if (response.status >= 502 && response.status <= 504) throw new Unreachable(response.status);
  try {
    return { status: response.status, body: await response.json() };
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refused(response.status, `the answer of ${url} is not JSON`);
  }
}

let nextId = 1;

/** One JSON-RPC call; to this node, unless the endpoint of another is given. */
export async function request<Result>(method: string, params: unknown[] = [], signal?: AbortSignal, endpoint = '/rpc'): Promise<Result> {
  const { body } = await fetchJson(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: nextId++, method, params }),
    signal: signal ?? null,
  });
  const answer = body as { result?: Result; error?: { code: number; message: string; data?: unknown } };
  if (answer.error) throw new Refused(answer.error.code, answer.error.message, answer.error.data);
  if (answer.result === undefined) throw new Refused(0, `${method} answered neither a result nor an error`);
  return answer.result;
}

const BATCH_CALLS = 500; // nodes take a thousand

interface Answer<Result> {
  readonly id?: number;
  readonly result?: Result;
  readonly error?: { code: number; message: string; data?: unknown };
}

/** Several JSON-RPC calls in one request, answered in their order. The first that fails fails all. */
export async function requestAll<Result>(calls: readonly (readonly [method: string, params: readonly unknown[]])[], signal?: AbortSignal): Promise<Result[]> {
  if (calls.length === 0) return [];
  if (calls.length > BATCH_CALLS) {
    const first = await requestAll<Result>(calls.slice(0, BATCH_CALLS), signal);
    return [...first, ...(await requestAll<Result>(calls.slice(BATCH_CALLS), signal))];
  }
  const from = nextId;
  nextId += calls.length;
  const { body } = await fetchJson('/rpc', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(calls.map(([method, params], index) => ({ jsonrpc: '2.0', id: from + index, method, params }))),
    signal: signal ?? null,
  });
  if (!Array.isArray(body)) {
    const { error } = body as Answer<Result>;
    throw new Refused(error?.code ?? 0, error?.message ?? 'a batch was not answered by a list');
  }
  const byId = new Map((body as Answer<Result>[]).map((answer) => [answer.id, answer]));
  return calls.map(([method], index) => {
    const answer = byId.get(from + index);
    if (answer?.error) throw new Refused(answer.error.code, answer.error.message, answer.error.data);
    if (answer?.result === undefined) throw new Refused(0, `${method} answered neither a result nor an error`);
    return answer.result;
  });
}

/** GET on the node's REST side; `null` when it does not know the thing asked for. */
export async function get(path: string, signal?: AbortSignal): Promise<unknown> {
  const { status, body } = await fetchJson(path, { headers: { accept: 'application/json' }, signal: signal ?? null });
  if (status === 404) return null;
  if (status >= 400) throw new Refused(status, `${path} answered ${status}`);
  return body;
}

/** Runs `work` over `items` with at most `width` at once, keeping their order. */
export async function mapLimited<In, Out>(items: readonly In[], width: number, work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results = new Array<Out>(items.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as In);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
