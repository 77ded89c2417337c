/** What `--audit` may name. */
import { expect, test } from "bun:test";
import { parseAudit, parsePlace, type AuditPlace } from "../../../../lib/audit/settings.ts";

test.each<[string, AuditPlace]>([
  ["-", { kind: "stdout" }],
  ["fd:3", { kind: "fd", fd: 3 }],
  ["fd:x", { kind: "file", path: "fd:x" }],
  ["/var/log/a.jsonl", { kind: "file", path: "/var/log/a.jsonl" }],
  ["journald:", { kind: "journald", path: "/run/systemd/journal/socket" }],
  ["journald:/run/systemd/journal.web/socket", { kind: "journald", path: "/run/systemd/journal.web/socket" }],
  ["syslog:udp://log.example:514", { kind: "syslog", via: "udp", host: "log.example", port: 514 }],
  ["syslog:tcp://[2001:db8::1]:601", { kind: "syslog", via: "tcp", host: "2001:db8::1", port: 601 }],
  ["syslog:unix:/dev/log", { kind: "syslog", via: "unix", path: "/dev/log" }],
])("%s", (text, place) => {
  expect(parsePlace(text)).toEqual(place);
  expect(parseAudit({ audit: text, "audit-full": "drop" })).toEqual({ destination: text, place, full: "drop" });
});

test.each([
  "syslog:",
  "syslog:log.example:514",
  "syslog:udp://unix:/a",
  "syslog:tcp://log.example",
  "syslog:tls://log.example:1",
  "syslog:unix:log",
  "journald:log",
])("%s is refused", (text) => {
  expect(() => parsePlace(text)).toThrow(expect.objectContaining({ exit: 64, hint: expect.any(String) as string }));
});
