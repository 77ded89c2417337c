/** Connections that are open, a page of them in some order, for whoever may see whose they are. */

/** One that is open. What is asked of all is cheap; `describe` is asked of those alone that are shown. */
export interface OpenConnection {
  /** Milliseconds of `performance.now` at which it came; undefined of one that is too new for that to be kept. */
  readonly started: number | undefined;
  /** Bytes from the client and to it, so far. */
  readonly sent: number;
  readonly received: number;
  describe(): Described;
}

/** Texts as peers sent them. */
export interface Described {
  /** Who proved to be whom; empty where nobody did. */
  readonly who: string;
  readonly client: string;
  /** Where it leads; empty while that is not known. */
  readonly target: string;
  /** The route, rule, policy or backend by which it goes. */
  readonly route: string;
  readonly state: string;
}

/** What a page is sorted by: what is longest open first, what came last first, what moved most first. */
export const ORDERS = ["age", "new", "bytes"] as const;
export type Order = (typeof ORDERS)[number];

export interface Row extends Described {
  /** Seconds. */
  readonly age: number | undefined;
  readonly sent: number;
  readonly received: number;
}

export interface ConnectionPage {
  readonly order: Order;
  readonly rows: readonly Row[];
  /** Of the first row, from 0. */
  readonly from: number;
  readonly total: number;
  /** Counted from 1. */
  readonly page: number;
  readonly pages: number;
}

/** Rows of a page. */
const ROWS = 50;

/** The page that `query` asks for (`sort`, `page`); what makes no sense there means the first, by age. */
export function pageOf(open: Iterable<OpenConnection>, query: URLSearchParams, now: number): ConnectionPage {
  const order = ORDERS.find((one) => one === query.get("sort")) ?? "age";
  const sorted = Array.from(open, (connection) => ({ connection, key: KEYS[order](connection) }));
  sorted.sort((a, b) => a.key - b.key);
  const pages = Math.max(1, Math.ceil(sorted.length / ROWS));
  const asked = /^\d{1,7}$/.exec(query.get("page") ?? "")?.[0];
  const page = Math.min(pages, Math.max(1, Number(asked ?? 1)));
  const from = (page - 1) * ROWS;
  const rows = sorted.slice(from, from + ROWS).map(({ connection }) => {
    const { started, sent, received } = connection;
    const age = started === undefined ? undefined : Math.max(0, (now - started) / 1000);
    return { ...connection.describe(), age, sent, received };
  });
  return { order, rows, from, total: sorted.length, page, pages };
}

/** The smallest comes first. */
const KEYS: Record<Order, (connection: OpenConnection) => number> = {
  age: ({ started = Number.MAX_VALUE }) => started,
  new: ({ started = Number.MAX_VALUE }) => -started,
  bytes: ({ sent, received }) => -(sent + received),
};
