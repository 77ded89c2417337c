/** Every target of the table, by SOCKS5 and by CONNECT, against a running proxy; those that lie beyond this host are decided only. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { loadPolicy } from "../../lib/acl/load.ts";
import { decideEgress } from "../../lib/net/egress.ts";
import { openResolver } from "../../lib/net/resolve.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { startDns, type DnsServer } from "./dns-server.ts";
import { startProxy } from "./harness.ts";
import { ask, GREETING, type Answer, type Protocol } from "./raw-client.ts";
import { ROWS, type Row } from "./targets-table.ts";

/** Two servers on one port, on two addresses of this host; each says which it is. */
const servers: Server[] = [];
let echoPort = 0;

beforeAll(async () => {
  for (const host of ["127.0.0.1", "127.0.0.2"]) {
    const server = createServer((socket) => socket.on("error", () => {}).end(`${host}\n`));
    await new Promise<void>((resolve) => server.listen(echoPort, host, resolve));
    echoPort = (server.address() as { port: number }).port;
    servers.push(server);
  }
});
afterAll(() => {
  for (const server of servers) server.close();
});

const CODES = { socks5: { open: 0, denied: 2, malformed: 1 }, connect: { open: 200, denied: 403, malformed: 400 } };

describe.each(["socks5", "connect"] as const)("weaknesses 6.2.1 and 6.2.2: %s", (protocol) => {
  const rows = ROWS.filter((row) => row.outcome !== "allowed");
  test.each(rows.map((row) => [`${row.host}: ${row.what} → ${row.outcome}`, row] as const))("%s", async (_, row) => {
    const dns = await startDns(row.zone ?? {});
    const proxy = await startProxy(withPort(row.acl, row.ownPort ? 1 : echoPort), ["--resolver", dns.address]);
    const port = row.ownPort ? proxy.port : echoPort;
    if (row.ownPort) {
      proxy.writePolicy(withPort(row.acl, proxy.port));
      proxy.runtime.signal("SIGHUP");
    }
    try {
      const answer = await ask(protocol, proxy.port, row.host, port);
      expect(answer.code).toBe(CODES[protocol][row.outcome as "open" | "denied" | "malformed"]);
      if (row.outcome === "malformed") {
        expect((await proxy.event("reject")).reason).toBe("bad_target");
        expect(proxy.events("decision")).toEqual([]);
      } else {
        expect(await proxy.event("decision")).toMatchObject(expected(row, protocol));
        if (row.outcome === "open") await expectReached(answer, row);
      }
      expect(dns.questions.length === 0 ? 0 : dns.asked(row.host, "A")).toBe(row.asked ?? 0);
      answer.client.socket.destroy();
    } finally {
      await proxy.stop();
      dns.close();
    }
  });
});

/** What is connected and what is asked at the resolver do not depend on the protocol, so one decision stands for both. */
describe("weakness 6.2.1: beyond this host", () => {
  const rows = ROWS.filter((row) => row.outcome === "allowed");
  test.each(rows.map((row) => [`${row.what} → ${row.dest}`, row] as const))("%s", async (_, row) => {
    const dns = await startDns(row.zone ?? {});
    try {
      const verdict = await decide(row, dns);
      expect(verdict.decision.outcome).toBe("allow");
      expect(verdict.candidates).toEqual([{ ip: row.dest!, port: 443 }]);
      expect(verdict.dropped.map(({ ip }) => ip)).toEqual(row.dropped ?? []);
      expect(dns.asked(row.host, "A")).toBe(1);
    } finally {
      dns.close();
    }
  });

  test("the table has rows of both kinds for every class", () => {
    const counted = new Set(ROWS.map(({ guard, outcome }) => guard ?? outcome));
    const classes = ["loopback", "unspecified", "link-local", "metadata", "private", "own-listener"];
    for (const kind of [...classes, "open", "allowed", "malformed"]) expect(counted).toContain(kind);
  });
});

async function decide(row: Row, dns: DnsServer) {
  const { policy, diagnostics } = loadPolicy("it.acl", () => withPort(row.acl, 443));
  if (policy === undefined) throw new Error(JSON.stringify(diagnostics));
  const { host } = canonicalHost(row.host);
  const facts = { command: "socks", host: host!, port: 443 };
  const resolve = await openResolver([dns.address], 5000);
  return decideEgress(facts, { policy, resolve, guard: { own: [], resolvedBy: "us" } });
}

function withPort(acl: string, port: number): string {
  return acl.replaceAll("PORT", String(port));
}

function expected(row: Row, protocol: Protocol): Record<string, unknown> {
  const dropped = row.dropped?.map((ip) => expect.objectContaining({ ip }));
  return {
    decision: row.outcome === "open" ? "allow" : "deny",
    protocol: protocol === "connect" ? "http" : "socks5",
    ...(row.policy === undefined ? {} : { policy: row.policy }),
    ...(row.reason === undefined ? {} : { reason: row.reason }),
    ...(row.guard === undefined ? {} : { guard: row.guard }),
    ...(row.dest === undefined ? {} : { dest: expect.stringContaining(`${row.dest}:`) }),
    ...(dropped === undefined ? {} : { dropped }),
  };
}

async function expectReached({ client }: Answer, row: Row): Promise<void> {
  if (!row.ownPort) {
    const reached = (await client.rest()).toString();
    // The unspecified address leads to this host as well.
    expect(reached).toBe(`${row.dest === "0.0.0.0" ? "127.0.0.1" : row.dest}\n`);
    return;
  }
  client.write(GREETING);
  expect([...(await client.read(2))]).toEqual([5, 0]);
}
