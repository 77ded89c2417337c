/** Whether the targets of the tunnels are there: dialled as a client's connection would be, and closed again. */
import { request as openRequest } from "node:http";
import { CachedCheck, type HealthCheck } from "../../lib/service/health.ts";
import { ConnDuplex } from "../../lib/net/duplex.ts";
import type { Conn } from "../../lib/net/conn.ts";
import type { Target } from "../../lib/net/target.ts";
import { credentialsOf, withoutSecrets } from "../../lib/service/push.ts";
import { secureAside, Unreached } from "../../lib/net/upstream.ts";
import { openTarget } from "./back.ts";
import { Refusal } from "./refusal.ts";
import type { Tunnel } from "./tunnel.ts";

/** One check of all tunnels; each is well while one of its targets is. `timeout` in milliseconds. */
export function healthOf(tunnels: readonly Tunnel[], timeout: number): HealthCheck {
  return new CachedCheck(async (signal) => {
    const wrong = await Promise.all(tunnels.map((tunnel) => probeTunnel(tunnel, signal)));
    return wrong.find((error) => error !== undefined);
  }, timeout);
}

/** What is wrong with every target of a tunnel; undefined where one is well. */
async function probeTunnel(tunnel: Tunnel, signal: AbortSignal): Promise<string | undefined> {
  const found = await Promise.all(tunnel.targets.all.map((target) => probeTarget(tunnel, target, signal)));
  const name = tunnel.settings.name === undefined ? "" : `tunnel ${tunnel.settings.name}: `;
  return found.includes(undefined) ? undefined : `${name}${found[0]}`;
}

/** Notes what it finds, so that new connections try the healthy targets first. */
async function probeTarget(tunnel: Tunnel, target: Target, signal: AbortSignal): Promise<string | undefined> {
  const back = await openTarget(tunnel, target);
  const error = back instanceof Refusal ? back.message : await askStatus(tunnel, back.conn, signal);
  if (error === undefined) target.succeeded();
  else target.failed();
  return error;
}

/** `--target-status`: GET its URL over the connection to the target, whatever host the URL names. */
async function askStatus(tunnel: Tunnel, dialled: Conn, signal: AbortSignal): Promise<string | undefined> {
  const { targetStatus: url } = tunnel.settings;
  if (url === undefined) {
    dialled.end();
    dialled.destroy();
    return undefined;
  }
  const shown = withoutSecrets(url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const conn =
    url.protocol === "https:" ? await secureAside(dialled, host, tunnel.statusOptions(host), shown) : dialled;
  if (conn instanceof Unreached) return `${shown}: ${conn.message}`;
  const stream = new ConnDuplex(conn);
  stream.on("error", () => {});
  try {
    const status = await get(url, stream, signal);
    return status === 200 ? undefined : `${shown} answered ${status}`;
  } catch (error) {
    return `${shown}: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    stream.destroy();
  }
}

function get(url: URL, stream: ConnDuplex, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host: url.host, "user-agent": "portail", connection: "close", ...credentialsOf(url) };
    const path = `${url.pathname}${url.search}`;
    const options = { path, headers, signal, createConnection: () => stream as never };
    const asked = openRequest(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on("error", reject);
    asked.end();
  });
}
