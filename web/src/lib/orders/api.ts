import { get } from '../rpc/http';
import { readList, readOrder, type Order, type OrderList, type OrderState } from './model';

export interface OrderQuery {
  readonly state?: OrderState | null;
  readonly text?: string;
  readonly cursor?: string | null;
  readonly limit: number;
}

export async function listOrders(query: OrderQuery, signal?: AbortSignal): Promise<OrderList> {
  const params = new URLSearchParams({ limit: String(query.limit) });
  if (query.state) params.set('state', query.state);
  if (query.text) params.set('q', query.text);
  if (query.cursor) params.set('cursor', query.cursor);
  const answer = await get(`/api/orders?${params}`, signal);
  return readList(answer ?? { orders: [], next: null, counts: {} });
}

/** `null` when no such order is known. */
export async function fetchOrder(id: string, signal?: AbortSignal): Promise<Order | null> {
  const answer = await get(`/api/orders/${id}`, signal);
  return answer === null ? null : readOrder(answer);
}
