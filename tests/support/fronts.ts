/** Requests of curl by all ways into an access proxy, alone and while its backends die. Asserts nothing. */
import type { AccessProxy } from "./access-proxy.ts";
import { curl } from "./curl.ts";
import type { Program } from "./program.ts";
import { until } from "./until.ts";
import type { Web } from "./web.ts";

/** The scheme of the proxy's URL, and curl's further flags. */
export type Front = readonly [scheme: string, ...flags: string[]];

export const FRONTS: readonly [name: string, way: Front][] = [
  ["SOCKS5", ["socks5h"]],
  ["CONNECT", ["http", "--proxytunnel"]],
  ["forward", ["http"]],
];

export const ask = (proxy: AccessProxy, [scheme, ...flags]: Front, url: string) =>
  curl(["--proxy", proxy.url(scheme), ...flags, url]);

/** Asks for `url` by all fronts, again and again, while `work` is done: the exit statuses of curl. */
export async function askMeanwhile(
  proxy: AccessProxy,
  url: string,
  work: () => Promise<void>,
): Promise<(number | null)[]> {
  const load = { over: false };
  const lanes = FRONTS.map(async ([, way]) => {
    const codes: (number | null)[] = [];
    while (!load.over) codes.push((await ask(proxy, way, url)).status);
    return codes;
  });
  await work();
  load.over = true;
  return (await Promise.all(lanes)).flat();
}

/**
 * Kills `first`, through which requests go, under load: a dozen is served before, and a dozen after. How many failed, and
 * the records of all.
 */
export async function killUnderLoad(proxy: AccessProxy, web: Web, first: Program) {
  const dozen = (what: string) => {
    const before = web.requests.length;
    return until(what, () => web.requests.length - before >= 12);
  };
  const codes = await askMeanwhile(proxy, `http://127.0.0.1:${web.port}/hello`, async () => {
    await dozen("requests through the first");
    first.signal("SIGKILL");
    await first.ended;
    await dozen("requests through the second");
  });
  return { failed: codes.filter((code) => code !== 0).length, closes: await proxy.closes(codes.length) };
}
