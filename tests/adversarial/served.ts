/** Whether a proxy still serves, whatever others do to it. */
import { expect } from "bun:test";
import type { RunningProxy } from "./harness.ts";
import { ask } from "./raw-client.ts";
import type { Upstream } from "./upstream.ts";

/** A client of each protocol gets its bytes back from `echo`, and ends in order. */
export async function expectServed(proxy: RunningProxy, echo: Upstream): Promise<void> {
  for (const protocol of ["socks5", "connect"] as const) {
    const { client, open } = await ask(protocol, proxy.port, "127.0.0.1", echo.port);
    expect(open).toBe(true);
    client.write("still here");
    expect(String(await client.read(10))).toBe("still here");
    client.end();
    await client.closed;
  }
}
