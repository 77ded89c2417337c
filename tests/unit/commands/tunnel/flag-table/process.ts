/** Rows of the flags of the whole process: its life, its status, its log, its records and metrics. */
import { durations, flagSwitch, settings, type Rows } from "./row.ts";

const HIDDEN_SWITCH = (flag: string) => flagSwitch(flag, () => ({}));
const PLACE = "write HOST:PORT, http://HOST:PORT, https://HOST:PORT, unix:PATH or systemd:NAME";

const LOOKING = "--status https://127.0.0.1:0 --status-acl @/policy.acl --status-cacert @/ca.pem";

export const processRows = {
  "timed-reload": durations("timed-reload", (timedReload) => settings({ life: { timedReload } }), true),
  "shutdown-timeout": durations("shutdown-timeout", (shutdownTimeout) => settings({ life: { shutdownTimeout } }), true),
  status: {
    takes: [
      ["", settings({ status: undefined })],
      ["--status 127.0.0.1:0", settings({ status: { scheme: undefined, endpoint: { port: 0 } } })],
      ["--status=http://127.0.0.1:0", settings({ status: { scheme: "http" } })],
      ["--status https://127.0.0.1:0", settings({ status: { scheme: "https" } })],
      ["--status unix:@/status.sock", settings({ status: { endpoint: { kind: "unix" } } })],
    ],
    refuses: [
      ["--status nowhere", 64, "endpoint.syntax", '--status: "nowhere"', "HOST:PORT"],
      ["--status launchd:x", 64, "endpoint.launchd", "--status: launchd: exists on macOS only", "systemd:NAME"],
      ["--status ftp://127.0.0.1:0", 64, "endpoint.syntax", "--status", "HOST:PORT"],
      ["--status stdio", 64, "status.address", "is no place for the status listener", PLACE],
      ["--status http://unix:@/s", 64, "status.address", "is no place for the status listener", PLACE],
      ["--status systemd:x", 78, "systemd.no_socket", 'no inherited socket is named "x"', "FileDescriptorName="],
      ["--status unix:@/no/s", 71, "listen.enoent", "no such folder", "make the folder first"],
      ["--status 192.0.2.1:0", 71, "listen.eaddrnotavail", "cannot listen on 192.0.2.1:0", "ip address"],
    ],
  },
  /** What they share: tests/e2e/tunnel. */
  workers: {
    takes: [
      ["--workers 2 --listen localhost:9", settings({ workers: 2 }), { without: ["listen"], runs: false }],
      ["--workers 1", settings({ workers: 1 })],
    ],
    refuses: [
      ["--workers 0", 64, "usage.value", '--workers: "0" is not in range', "it must be from 1 to 256"],
      ["--workers many", 64, "usage.value", '--workers: "many" is not an integer', "write digits only"],
      ["--workers 2", 64, "usage.conflict", "--workers and --listen 127.0.0.1:0 exclude", "", { side: "server" }],
      [
        "--workers 2 --listen unix:@/w",
        64,
        "usage.conflict",
        "exclude each other",
        "HOST:PORT",
        { without: ["listen"] },
      ],
      [
        "--workers 2 --listen localhost:9 --audit -",
        64,
        "usage.conflict",
        "--workers and --audit - exclude each other",
        "give the audit a file",
        { without: ["listen"] },
      ],
    ],
  },
  "status-acl": {
    takes: [[LOOKING, settings({ status: { clients: { acl: "@/policy.acl", cacert: ["@/ca.pem"] } } })]],
    refuses: [
      ["--status-acl @/policy.acl", 64, "usage.missing", "--status-acl needs --status", "give --status too"],
      ["--status 127.0.0.1:0 --status-acl @/a", 64, "usage.missing", "belong together", "whose certificates count"],
      [LOOKING.replace("https://", "http://"), 64, "usage.conflict", "needs a status over HTTPS", "https://HOST:PORT"],
      [LOOKING.replace("policy", "broken"), 65, "acl.invalid", "has an error", "GRAMMAR.md"],
      [LOOKING.replace("policy", "no"), 66, "acl.unreadable", "cannot read the policy", ""],
    ],
  },
  "status-cacert": {
    takes: [[LOOKING, settings({ status: { clients: { cacert: ["@/ca.pem"] } } })]],
    refuses: [
      ["--status-cacert @/ca.pem", 64, "usage.missing", "--status-cacert needs --status", "give --status too"],
      ["--status 127.0.0.1:0 --status-cacert @/a", 64, "usage.missing", "belong together", "whose certificates count"],
      [LOOKING.replace("ca.pem", "empty"), 65, "identity.empty", "is empty", ""],
    ],
  },
  "status-name": {
    takes: [
      ["--status 127.0.0.1:0 --status-name a.example", settings({ status: { names: ["127.0.0.1", "a.example"] } })],
    ],
    refuses: [
      ["--status-name a.example", 64, "usage.missing", "--status-name needs --status", "give --status too"],
      ["--status 127.0.0.1:0 --status-name /", 64, "usage.value", "is no name of a host", "address bar"],
    ],
  },
  "enable-shutdown": {
    takes: [["--enable-shutdown --status 127.0.0.1:0", settings({ status: { shutdown: true } })]],
    refuses: [["--enable-shutdown", 64, "usage.missing", "--enable-shutdown needs --status", "give --status too"]],
  },
  audit: {
    takes: [
      ["", settings({ audit: undefined })],
      ["--audit @/audit.jsonl", settings({ audit: { destination: "@/audit.jsonl" } })],
    ],
    refuses: [
      [
        "--audit @/no/audit.jsonl",
        73,
        "audit.cannot_open",
        "cannot open the audit destination",
        "or - for standard output",
      ],
      ["--audit fd:999", 73, "audit.cannot_open", "cannot open the audit destination", ""],
      ["--audit syslog:", 64, "audit.syntax", "is no destination: it names no way", "syslog:tcp://HOST:PORT"],
      ["--audit journald:x", 64, "audit.syntax", "the path of a socket begins with /", "journald:"],
      ["--audit journald:@/none", 73, "audit.cannot_open", "ENOENT", "start journald"],
      ["--audit syslog:unix:@/none", 73, "audit.cannot_open", "ENOENT", "start the syslog daemon"],
      ["--audit syslog:tcp://127.0.0.1:1", 73, "audit.cannot_open", "refused", "start the syslog daemon"],
    ],
  },
  "audit-full": {
    takes: [
      ["--audit @/audit.jsonl --audit-full block", settings({ audit: { full: "block" } })],
      ["--audit @/audit.jsonl --audit-full drop", settings({ audit: { full: "drop" } })],
    ],
    refuses: [
      ["--audit @/audit.jsonl --audit-full wait", 64, "usage.value", "--audit-full", "use one of block, drop"],
      ["--audit-full drop", 64, "usage.missing", "--audit-full goes with --audit", ""],
    ],
  },
  "metrics-graphite": {
    takes: [["--metrics-graphite 127.0.0.1:2003", settings({ push: { graphite: { host: "127.0.0.1", port: 2003 } } })]],
    refuses: [["--metrics-graphite nowhere", 64, "endpoint.syntax", "--metrics-graphite", "HOST:PORT"]],
  },
  "metrics-url": {
    takes: [["--metrics-url http://127.0.0.1:1/m", settings({ push: { url: { pathname: "/m" } } })]],
    refuses: [
      ["--metrics-url ftp://a", 64, "usage.value", "--metrics-url", "http"],
      ["--metrics-url http://me:100%@a/", 64, "usage.value", "--metrics-url", "%25"],
    ],
  },
  "metrics-prefix": {
    takes: [
      ["", settings({ push: { prefix: "ghostunnel" } })],
      ["--metrics-prefix db", settings({ push: { prefix: "db" } })],
    ],
    refuses: [["--metrics-prefix=a\tb", 64, "usage.value", "--metrics-prefix", ""]],
  },
  "metrics-interval": durations("metrics-interval", (interval) => settings({ push: { interval } }), false),
  quiet: {
    takes: [
      ["", settings({ quiet: { all: false, conns: false, connErrors: false, handshakeErrors: false } })],
      ["--quiet conns", settings({ quiet: { all: false, conns: true, connErrors: false, handshakeErrors: false } })],
      ["--quiet=conn-errs --quiet handshake-errs", settings({ quiet: { connErrors: true, handshakeErrors: true } })],
    ],
    refuses: [
      ["--quiet some", 64, "usage.value", '--quiet: "some"', "use one of all, conns, conn-errs, handshake-errs"],
      ["--quiet", 64, "usage.value", "--quiet needs a value", "write --quiet conns|conn-errs|handshake-errs|all"],
    ],
  },
  "log-format": {
    takes: [
      ["--log-format text", {}],
      ["--log-format json", {}],
    ],
    refuses: [["--log-format xml", 64, "usage.value", '--log-format: "xml"', "use one of text, json"]],
  },
  /** What arrives at the syslog, and what is said without one: tests/e2e/tunnel. */
  syslog: {
    takes: [["--syslog", {}, { runs: false }]],
    refuses: flagSwitch("syslog", () => ({})).refuses,
  },
  debug: HIDDEN_SWITCH("debug"),
  "disable-landlock": HIDDEN_SWITCH("disable-landlock"),
  "use-landlock": HIDDEN_SWITCH("use-landlock"),
  config: {
    takes: [
      ["--config @/tunnel.toml", settings({ connectTimeout: 3000, quiet: { conns: true } })],
      ["--config @/tunnel.toml --connect-timeout 4s", settings({ connectTimeout: 4000 })],
    ],
    refuses: [
      ["--config no.toml", 66, "config.unreadable", 'cannot read configuration "no.toml"', ""],
      [
        "--config @/broken.toml",
        78,
        "config.unknown_key",
        'broken.toml:2: unknown key "lisen"',
        'did you mean "listen"?',
      ],
    ],
  },
} satisfies Rows;
