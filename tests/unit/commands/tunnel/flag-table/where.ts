/** Rows of the flags that say where connections come in and where they go. */
import { durations, flagSwitch, settings, tunnel, type Rows } from "./row.ts";

const LISTEN = { without: ["listen"] } as const;
const TARGET = { without: ["target"] } as const;
const PLACES = "write HOST:PORT, [IPV6]:PORT, unix:PATH, systemd:NAME";

export const whereRows = {
  listen: {
    takes: [
      ["--listen 127.0.0.1:0", tunnel({ listen: [{ kind: "tcp", host: "127.0.0.1", port: 0 }] }), LISTEN],
      ["--listen=localhost:0", tunnel({ listen: [{ kind: "tcp", host: "localhost", port: 0 }] }), LISTEN],
      ["--listen [::1]:0", tunnel({ listen: [{ kind: "tcp", host: "::1", port: 0 }] }), LISTEN],
      ["--listen :0", tunnel({ listen: [{ kind: "tcp", host: "::", port: 0 }] }), { ...LISTEN, side: "server" }],
      ["--listen unix:@/in.sock", tunnel({ listen: [{ kind: "unix" }] }), LISTEN],
      ["--listen unix:@/second.sock", tunnel({ listen: [{ kind: "tcp" }, { kind: "unix" }] })],
    ],
    refuses: [
      ["", 64, "usage.missing", "--listen is required", "--listen localhost:8443", LISTEN],
      ["--listen", 64, "usage.value", "--listen needs a value", "write --listen ADDRESS", LISTEN],
      ["--listen nowhere", 64, "endpoint.syntax", "the port is missing", PLACES],
      ["--listen 127.0.0.1:99999", 64, "endpoint.syntax", "not a number from 0 to 65535", PLACES],
      ["--listen ::1:0", 64, "endpoint.syntax", "an IPv6 address stands in brackets", PLACES],
      ["--listen unix:", 64, "endpoint.syntax", "the path is empty", PLACES],
      ["--listen stdio", 64, "usage.value", "stdio is not a place to listen on", "--stdio"],
      ["--listen launchd:x", 64, "endpoint.launchd", "--listen: launchd: exists on macOS only", "systemd:NAME"],
      ["--listen systemd:x", 78, "systemd.no_socket", 'no inherited socket is named "x"', "FileDescriptorName="],
      ["--listen fd:999", 71, "listen.not_a_socket", "descriptor 999 is no listening socket", "systemd:NAME", LISTEN],
      ["--listen unix:@/no/in.sock", 71, "listen.enoent", "no such folder", "make the folder first"],
      ["--listen 192.0.2.1:0", 71, "listen.eaddrnotavail", "does not have", "ip address", { side: "server" }],
      ["--listen :0", 64, "tunnel.unsafe_listen", "lends this identity to everybody", "", { side: "client" }],
    ],
  },
  /** What it carries: tests/e2e/tunnel. */
  stdio: {
    takes: [["--stdio", tunnel({ listen: [] }), { ...LISTEN, runs: false }]],
    refuses: [
      ["--stdio", 64, "usage.conflict", "--stdio and --listen exclude each other", "leave --listen out"],
      ["--stdio --status 127.0.0.1:0", 64, "usage.conflict", "--stdio and --status exclude each other", "", LISTEN],
      ["--stdio --workers 2", 64, "usage.conflict", "--stdio and --workers exclude each other", "", LISTEN],
      ["--stdio --config @/two.toml", 64, "usage.conflict", "--stdio carries one tunnel", "one [[tunnel]]", LISTEN],
    ],
  },
  /** What it runs, and how it ends: tests/e2e/tunnel. */
  command: {
    takes: [["-- true", {}, { runs: false }]],
    refuses: [
      ["true", 64, "usage.extra_argument", 'unexpected argument "true"', "behind --"],
      ["-- psql {prot}", 64, "template.unknown", "{prot} is not known", "did you mean {port}?"],
      ["-- psql }", 64, "template.brace", "stands alone", "write braces twice"],
      ["-- no-such-program-at-all", 69, "child.not_found", "no such program", "install it"],
      ["--workers 2 -- true", 64, "usage.conflict", "--workers and a program behind -- exclude each other", ""],
      ["--status 127.0.0.1:0 -- true", 64, "usage.conflict", "--status and a program behind --", ""],
    ],
  },
  env: {
    takes: [["--env PGPORT={port} -- true", {}, { runs: false }]],
    refuses: [
      ["--env PGPORT=1", 64, "usage.missing", "--env needs a program", "write it behind --"],
      ["--env PGPORT -- true", 64, "child.setting", "--env: a setting is not NAME=VALUE", "PGPORT={port}"],
    ],
  },
  target: {
    takes: [
      ["--target 127.0.0.1:9", tunnel({ targets: [{ kind: "tcp", host: "127.0.0.1", port: 9 }] }), TARGET],
      ["--target=[::1]:9", tunnel({ targets: [{ kind: "tcp", host: "::1", port: 9 }] }), TARGET],
      ["--target unix:@/out.sock", tunnel({ targets: [{ kind: "unix" }] }), TARGET],
      ["--target unix:@/out.sock", tunnel({ targets: [{ kind: "tcp" }, { kind: "unix" }] })],
      ["--target 192.0.2.1:9", tunnel({ targets: [{ host: "192.0.2.1" }] }), { ...TARGET, side: "client" }],
    ],
    refuses: [
      ["", 64, "usage.missing", "--target is required", "--target localhost:8080", TARGET],
      ["--target nowhere", 64, "endpoint.syntax", "the port is missing", PLACES],
      ["--target :80", 64, "usage.value", "cannot be connected to", "write HOST:PORT, with a port from 1"],
      ["--target localhost:0", 64, "usage.value", "cannot be connected to", "write HOST:PORT, with a port from 1"],
      ["--target systemd:x", 64, "usage.value", "cannot be connected to", "or unix:PATH"],
      ["--target launchd:x", 64, "endpoint.launchd", "--target: launchd: exists on macOS only", ""],
      ["--target 192.0.2.1:80", 64, "tunnel.unsafe_target", "beyond this host", "--unsafe-target", { side: "server" }],
      ["--target localhost.example:80", 64, "tunnel.unsafe_target", "beyond this host", "", { side: "server" }],
      ["--target 127.0.0.1.example:80", 64, "tunnel.unsafe_target", "beyond this host", "", { side: "server" }],
      ["--target 127.0.0.999:80", 64, "tunnel.unsafe_target", "beyond this host", "", { side: "server" }],
      ["--target no.invalid:80", 69, "tunnel.target_unresolved", "invalid target address", "", { side: "client" }],
    ],
  },
  "target-order": {
    takes: [
      ["", tunnel({ targetOrder: "first" })],
      ["--target-order first", tunnel({ targetOrder: "first" })],
      ["--target-order rotate --target unix:@/b", tunnel({ targetOrder: "rotate" })],
    ],
    refuses: [["--target-order best", 64, "usage.value", '--target-order: "best"', "first, rotate"]],
  },
  "unsafe-target": {
    takes: [["--unsafe-target --target 192.0.2.1:80", tunnel({ targets: [{ host: "192.0.2.1" }] }), TARGET]],
    refuses: flagSwitch("unsafe-target", () => ({})).refuses,
  },
  "unsafe-listen": {
    takes: [["--unsafe-listen --listen 0.0.0.0:0", tunnel({ listen: [{ host: "0.0.0.0" }] }), LISTEN]],
    refuses: flagSwitch("unsafe-listen", () => ({})).refuses,
  },
  "target-status": {
    takes: [["--target-status http://localhost/health", tunnel({ targetStatus: { pathname: "/health" } })]],
    refuses: [
      ["--target-status health", 64, "usage.value", "is no http:// or https:// URL", "http://localhost:8080/health"],
      ["--target-status http://me:100%@localhost/", 64, "usage.value", "not percent-encoded UTF-8", "%25"],
      ["--target-status ftp://localhost/", 64, "usage.value", "is no http:// or https:// URL", ""],
    ],
  },
  "accept-proxy-from": {
    takes: [
      ["", tunnel({ acceptProxyFrom: undefined })],
      ["--accept-proxy-from 10.0.0.0/8 --accept-proxy-from unix:", tunnel({ acceptProxyFrom: { unix: true } })],
    ],
    refuses: [
      ["--accept-proxy-from all", 64, "proxy_source.syntax", '"all" is not a network', "NETWORK/LENGTH"],
      ["--accept-proxy-from 10.0.0.1/8", 64, "proxy_source.syntax", "has host bits", "write 10.0.0.0/8"],
    ],
  },
  "proxy-protocol": {
    takes: flagSwitch("proxy-protocol", (on) => tunnel({ proxyHeader: on ? "conn" : undefined })).takes,
    refuses: [
      [
        "--proxy-protocol --proxy-protocol-mode tls",
        64,
        "usage.conflict",
        "--proxy-protocol and --proxy-protocol-mode exclude each other",
        "--proxy-protocol-mode=conn",
      ],
    ],
  },
  "proxy-protocol-mode": {
    takes: [
      ["--proxy-protocol-mode conn", tunnel({ proxyHeader: "conn" })],
      ["--proxy-protocol-mode=tls", tunnel({ proxyHeader: "tls" })],
      ["--proxy_protocol_mode tls-full", tunnel({ proxyHeader: "tls-full" })],
    ],
    refuses: [["--proxy-protocol-mode v1", 64, "usage.value", '"v1" is not a value', "use one of conn, tls, tls-full"]],
  },
  proxy: {
    takes: [
      ["--proxy http://127.0.0.1:3128", tunnel({ proxy: { protocol: "http", tls: false, port: 3128 } })],
      ["--proxy https://127.0.0.1", tunnel({ proxy: { protocol: "http", tls: true, port: 443 } })],
      ["--proxy socks5://me:secret@127.0.0.1", tunnel({ proxy: { protocol: "socks5", port: 1080 } })],
      ["--connect-proxy socks5h://localhost:1", tunnel({ proxy: { protocol: "socks5", host: "localhost" } })],
    ],
    refuses: [
      ["--proxy ftp://127.0.0.1:21", 64, "proxy.url", 'proxies of the scheme "ftp" are not known', "http://, https://"],
      ["--proxy 127.0.0.1:3128", 64, "proxy.url", "has no scheme", "socks5://"],
      ["--proxy http://:1", 64, "proxy.url", "names no host", "HOST:PORT"],
      ["--proxy http://no.invalid:1", 69, "tunnel.target_unresolved", "invalid target address", "--skip-resolve"],
      [
        "--proxy http://127.0.0.1:1 --target unix:@/out.sock",
        64,
        "usage.conflict",
        "--proxy and --target unix:PATH exclude each other",
        "a proxy leads to HOST:PORT only",
        TARGET,
      ],
      [
        "--proxy http://a --connect-proxy http://b",
        64,
        "usage.repeated",
        "--proxy is given more than once",
        "one value",
      ],
    ],
  },
  "proxy-cacert": {
    takes: [
      ["--proxy-cacert @/ca.pem --proxy https://127.0.0.1:1", { tunnels: [{ from: { proxyCa: ["@/ca.pem"] } }] }],
    ],
    refuses: [
      ["--proxy-cacert @/ca.pem", 64, "usage.missing", "--proxy-cacert needs a proxy over TLS", "--proxy https://"],
      ["--proxy-cacert @/ca.pem --proxy http://127.0.0.1:1", 64, "usage.missing", "needs a proxy over TLS", ""],
      [
        "--proxy-cacert @/own-key.pem --proxy https://127.0.0.1:1",
        65,
        "identity.key_as_trust",
        "is a private key",
        "the certificate of the authority",
      ],
    ],
  },
  "skip-resolve": {
    takes: [
      ["--skip-resolve", settings({ skipResolve: true })],
      ["--skip-resolve --target no.invalid:80", settings({ skipResolve: true }), { ...TARGET, side: "client" }],
      ["--skip-resolve --proxy http://no.invalid:1", settings({ skipResolve: true }), { side: "client" }],
    ],
    refuses: [
      [
        "--no-skip-resolve --target no.invalid:80",
        69,
        "tunnel.target_unresolved",
        'invalid target address "no.invalid:80": lookup no.invalid: no such host',
        "--skip-resolve",
        { side: "client" },
      ],
    ],
  },
  resolver: {
    takes: [
      ["--resolver 127.0.0.1 --target 127.0.0.1:9", settings({ resolvers: ["127.0.0.1"] }), TARGET],
      ["--resolver [::1]:53 --resolver ::1 --target 127.0.0.1:9", settings({ resolvers: ["[::1]:53", "::1"] }), TARGET],
    ],
    refuses: [["--resolver dns.example", 64, "resolver.syntax", '"dns.example" is not an address', "IP:PORT"]],
  },
  "dns-timeout": durations("dns-timeout", (dnsTimeout) => settings({ dnsTimeout }), false),
} satisfies Rows;
