/** Names of audit events and fields are frozen, secrets are digests. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FactName, Facts } from "../../../../lib/acl/facts.ts";
import { AUDIT_VERSION, auditFacts } from "../../../../lib/audit/event.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

/**
 * The interface that readers of audit lines rely on: names never change, new ones may be added. Taken from the types'
 * source, since types are gone when a program runs.
 */
test("the names of events and of their fields are frozen", () => {
  const source = readFileSync(join(import.meta.dir, "../../../../lib/audit/event.ts"), "utf8");
  const shapes: Record<string, string[]> = {};
  for (const [, name = "", body = ""] of source.matchAll(/interface (\w+)(?: extends \w+)? \{\n([\s\S]*?)\n\}/g)) {
    shapes[name] = [...body.matchAll(/^ {2}(\w+\??):/gm)].map(([, field = ""]) => field);
  }
  expect(shapes).toMatchObject({
    Base: ["v", "time", "command"],
    Session: ["session", "client", "user?"],
    DecisionEvent: [
      "event",
      "protocol",
      "target",
      "dest?",
      "decision",
      "policy",
      "route?",
      "reason",
      "guard?",
      "missing?",
      "logged?",
      "redirected?",
      "dropped?",
      "certificate?",
      "tls?",
      "policies",
      "facts",
    ],
    CloseEvent: [
      "event",
      "target",
      "dest?",
      "backend?",
      "tried?",
      "sent",
      "received",
      "datagrams?",
      "duration",
      "reason",
      "error?",
    ],
    RejectEvent: ["event", "reason", "message", "certificate?"],
    TlsRecord: ["version", "protocolId?", "serverName?", "resumed"],
    NameEvent: ["event", "client", "transport", "name", "type", "outcome", "address?"],
    ReloadEvent: ["event", "outcome", "policies?", "error?"],
    CertificateRecord: ["subject", "issuer", "serial", "pin", "notAfter"],
    ProgramRecord: ["uid", "user?", "gid?", "pid?", "executable?", "cgroup?"],
    SessionEvent: [
      "event",
      "tunnel?",
      "route?",
      "rule?",
      "original?",
      "program?",
      "hello?",
      "target",
      "dest?",
      "decision",
      "policy",
      "reason",
      "missing?",
      "logged?",
      "error?",
      "certificate?",
      "upstream?",
      "tls?",
      "sent",
      "received",
      "duration",
      "policies?",
      "facts",
    ],
    ObjectEvent: [
      "event",
      "method",
      "operation",
      "bucket?",
      "key?",
      "path",
      "decision",
      "policy",
      "reason",
      "missing?",
      "logged?",
      "outcome",
      "status?",
      "format?",
      "keyId?",
      "end?",
      "writeOnce?",
      "sent",
      "received",
      "duration",
      "code?",
      "error?",
      "certificate?",
      "tls?",
      "policies?",
      "facts",
    ],
    ControlEvent: ["event", "method", "uid", "gid", "pid", "outcome", "subject?", "error?"],
    LifeEvent: ["event", "listen?", "policies?", "open?", "unsafe?"],
    LossEvent: ["event", "lost"],
  });
  const events = [...source.matchAll(/^ {2}event: (.*);$/gm)].map(([, names]) => names);
  expect(events).toEqual([
    '"decision"',
    '"close"',
    '"reject"',
    '"session"',
    '"object"',
    '"name"',
    '"reload"',
    '"control"',
    '"start" | "drain" | "stop"',
    '"loss"',
  ]);
  expect(source).toContain('decision: "allow" | "deny" | "redirect" | "challenge";');
  expect(source).toContain('outcome: "done" | "kept";');
  expect(AUDIT_VERSION).toBe(1);
});

describe("facts in a record", () => {
  const hash = (value: string) => `<${value.length}>`;
  const facts: Facts = {
    command: "socks",
    host: "a.example",
    port: 443,
    "dest.ip": parseIp("2001:db8::1")!,
    "client.ip": parseIp("192.0.2.1")!,
    "client.ou": ["a", "b"],
    "route.local": true,
    now: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    "header.authorization": "Bearer secret",
    "header.x-api-key": "secret",
    "header.accept": "*/*",
    "user.team": "red",
  };

  test("are those that the policies mention and that are known, as JSON", () => {
    const names: FactName[] = [
      "command",
      "host",
      "port",
      "dest.ip",
      "client.ip",
      "client.ou",
      "route.local",
      "now",
      "header.accept",
      "user.team",
      "client.user",
    ];
    expect(auditFacts(facts, names, hash)).toEqual({
      command: "socks",
      host: "a.example",
      port: 443,
      "dest.ip": "2001:db8::1",
      "client.ip": "192.0.2.1",
      "client.ou": ["a", "b"],
      "route.local": true,
      now: "2026-01-02T03:04:05.006Z",
      "header.accept": "*/*",
      "user.team": "red",
    });
    expect(auditFacts(facts, [], hash)).toEqual({});
    expect(auditFacts({ ...facts, "proxy.cmd": "tcp_connect" }, [], hash)).toEqual({});
  });

  test("tell always that datagrams were asked for", () => {
    const asked = { ...facts, "proxy.cmd": "udp_associate" };
    expect(auditFacts(asked, [], hash)).toEqual({ "proxy.cmd": "udp_associate" });
    expect(auditFacts(asked, ["proxy.cmd", "port"], hash)).toEqual({ "proxy.cmd": "udp_associate", port: 443 });
  });

  test.each([
    "header.authorization",
    "header.proxy-authorization",
    "header.cookie",
    "header.set-cookie",
    "header.x-api-key",
    "header.x-auth-token",
    "header.x-amz-security-token",
    "header.x-password",
    "header.x-session-id",
    "header.x-client-secret",
  ] as const)("%s is told as a digest", (name) => {
    const secret: Record<`header.${string}`, string> = { [name]: "hush" };
    const told = auditFacts(secret, [name], hash);
    expect(told).toEqual({ [name]: "sha256:<4>" });
    expect(JSON.stringify(told)).not.toContain("hush");
  });
});
