/** A web server on both loopback addresses that remembers what it was asked. Speaks to nobody else. */
import { createHash } from "node:crypto";
import type { Scene } from "./scene.ts";

export interface Web {
  port: number;
  /** What was asked, in order. */
  requests: Seen[];
  /** Lets the held halves of `/halves/` go on, now and from here on. */
  release(): void;
  /** Holds them again. */
  hold(): void;
}

interface Seen {
  method: string;
  path: string;
  /** With the port. */
  host: string | null;
  headers: Headers;
  /** The address that the connection came from. */
  from: string;
}

type Route = (request: Request, url: URL) => Response | Promise<Response> | undefined;

/**
 * `/hello` is a line of text, `/bytes/N` the bytes of `content(N)`, `/halves/N` the same with a stop in the middle until
 * `release`, `/digest` the digest of what it is sent; anything else is for `route`, or not found.
 */
export function openWeb(scene: Scene, route: Route = () => undefined): Web {
  const requests: Seen[] = [];
  let gate = Promise.withResolvers<void>();
  const answer = async (request: Request, from: string): Promise<Response> => {
    const url = new URL(request.url);
    const { headers, method } = request;
    requests.push({ method, path: url.pathname, host: headers.get("host"), headers, from });
    const [, kind, size] = /^\/(bytes|halves)\/(\d+)$/.exec(url.pathname) ?? [];
    if (url.pathname === "/hello") return new Response("hello from the web\n");
    if (kind === "bytes") return new Response(content(Number(size)));
    if (kind === "halves") return halves(content(Number(size)), () => gate.promise);
    if (url.pathname === "/digest") return new Response(digest(await request.bytes()));
    return (await route(request, url)) ?? new Response("not here\n", { status: 404 });
  };
  const options = { development: false, idleTimeout: 0, fetch: serveWith(answer) };
  const server = Bun.serve({ ...options, hostname: "127.0.0.1", port: 0 });
  scene.defer(() => server.stop(true));
  if (hasIpv6()) {
    const second = Bun.serve({ ...options, hostname: "::1", port: server.port! });
    scene.defer(() => second.stop(true));
  }
  scene.defer(() => gate.resolve());
  return {
    port: server.port!,
    requests,
    release: () => gate.resolve(),
    hold: () => (gate = Promise.withResolvers<void>()),
  };
}

function serveWith(answer: (request: Request, from: string) => Promise<Response>) {
  return (request: Request, server: Bun.Server<unknown>) => answer(request, server.requestIP(request)?.address ?? "");
}

function halves(bytes: Uint8Array<ArrayBuffer>, released: () => Promise<void>): Response {
  const middle = bytes.length >> 1;
  async function* body() {
    yield bytes.subarray(0, middle);
    await released();
    yield bytes.subarray(middle);
  }
  return new Response(body() as unknown as ReadableStream);
}

/** Bytes without a short period: a piece that is lost, doubled or moved shows. */
export function content(size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = 0x9e3779b9 ^ size;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Whether ::1 can be listened on here. */
export function hasIpv6(): boolean {
  try {
    Bun.listen({ hostname: "::1", port: 0, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
