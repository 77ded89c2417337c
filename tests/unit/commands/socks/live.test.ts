/** The human view of audit events: one line each, that no peer can forge. */
import { describe, expect, test } from "bun:test";
import { bytes, liveView } from "../../../../commands/socks/live.ts";
import type { AuditEvent, CloseEvent, DecisionEvent } from "../../../../lib/audit/event.ts";

const session = {
  v: 1,
  time: "2026-01-02T03:04:05.678Z",
  command: "socks",
  session: "s",
  client: "192.0.2.1:5",
} as const;
const decision: DecisionEvent = {
  ...session,
  event: "decision",
  protocol: "socks5",
  target: "a.example:443",
  dest: "203.0.113.7:443",
  decision: "allow",
  policy: "web",
  reason: "policy",
  policies: "d",
  facts: {},
};
const close: CloseEvent = {
  ...session,
  event: "close",
  target: "a.example:443",
  sent: 1500,
  received: 3_145_728,
  duration: 2345,
  reason: "client",
};

function shown(event: AuditEvent, color = false): string {
  let text = "";
  const write = (chunk: string | Uint8Array) => ((text += String(chunk)), true);
  liveView({ fd: 2, isTTY: true, columns: 80, color, write, flush: () => Promise.resolve() })(event);
  return text;
}

describe("a line says who, where, the verdict and by what", () => {
  test("allowed, with the address that was decided", () => {
    expect(shown(decision)).toBe("03:04:05 allow    192.0.2.1:5  socks5  a.example:443 (203.0.113.7:443)  by web\n");
  });

  test("denied by default, by the guard, for want of a fact", () => {
    const { dest: _, ...denied } = { ...decision, decision: "deny" as const };
    expect(shown({ ...denied, policy: null, reason: "default" })).toEndWith("a.example:443  by default\n");
    expect(shown({ ...denied, reason: "guard" })).toEndWith("by web: guard\n");
    expect(shown({ ...denied, reason: "missing_fact", missing: "client.user" })).toContain(
      "client.user is missing, by web",
    );
  });

  test("a user and a redirect", () => {
    const line = shown({ ...decision, user: "ann", redirected: "b.example:8443" });
    expect(line).toContain("ann@192.0.2.1:5");
    expect(line).toContain("a.example:443 → b.example:8443");
  });

  test("an end, with what went through; one out of order says why", () => {
    expect(shown(close)).toContain("1.5 KiB out, 3.0 MiB in, 2.3 s\n");
    expect(shown({ ...close, reason: "idle" })).toEndWith("2.3 s: idle\n");
  });

  test("a rejection; nothing for what is no client's", () => {
    expect(shown({ ...session, event: "reject", reason: "protocol", message: "it sent TLS" })).toContain("it sent TLS");
    const { session: _, client: __, ...life } = session;
    expect(shown({ ...life, event: "start" })).toBe("");
  });
});

test("what a peer sent cannot drive the terminal", () => {
  const line = shown({ ...decision, target: "a\u001b[2J\r\nb:1", user: "\u0007" });
  expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f]/);
});

test("colour only where the stream has it", () => {
  expect(shown(decision)).not.toContain("\u001b");
  expect(shown(decision, true)).toContain("\u001b[32mallow");
  expect(shown({ ...decision, decision: "deny" }, true)).toContain("\u001b[31mdeny");
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [200 * 1024, "200 KiB"],
  [1024 ** 3, "1.0 GiB"],
  [5 * 1024 ** 5, "5120 TiB"],
])("%d bytes are %s", (count, text) => expect(bytes(count)).toBe(text));
