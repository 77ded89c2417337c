/** Rows of the flags for TLS and for limits. Whether peers see what they say is tested in tests/e2e/tunnel. */
import { durations, flagSwitch, settings, tunnel, type Rows } from "./row.ts";

function tls(values: object): object {
  return { tunnels: [{ from: { tls: values } }] };
}

const KEEPALIVE = (ms: number) => settings({ keepAlive: { seconds: Math.ceil(ms / 1000) } });

const AES =
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
const CHACHA = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
const VERSIONS = "use one of TLS1.2, TLS1.3";

export const tlsRows = {
  "min-tls-version": {
    takes: [
      ["", tls({ minVersion: "TLSv1.2" })],
      ["--min-tls-version TLS1.2", tls({ minVersion: "TLSv1.2" })],
      ["--min-tls-version TLS1.3", tls({ minVersion: "TLSv1.3" })],
    ],
    refuses: [
      ["--min-tls-version TLS1.1", 64, "usage.value", '--min-tls-version: "TLS1.1"', VERSIONS],
      [
        "--min-tls-version TLS1.3 --max-tls-version TLS1.2",
        64,
        "usage.conflict",
        "--min-tls-version is above --max-tls-version",
        "no version is between them",
      ],
    ],
  },
  "tls-groups": {
    takes: [
      ["", tls({ groups: undefined })],
      ["--tls-groups X25519MLKEM768", tls({ groups: "X25519MLKEM768" })],
      ["--tls-groups=x25519:prime256v1", tls({ groups: "X25519:P-256" })],
      ["--tls-groups P-384,secp521r1", tls({ groups: "P-384:P-521" })],
    ],
    refuses: [
      ["--tls-groups X448", 64, "usage.value", 'there is no group "X448"', "X25519MLKEM768, X25519, P-256"],
      ["--tls-groups=", 64, "usage.value", 'there is no group ""', "the best first"],
      ["--tls-groups toString", 64, "usage.value", 'there is no group "toString"', ""],
      [
        "--tls-groups X25519MLKEM768 --max-tls-version TLS1.2",
        64,
        "usage.conflict",
        "--tls-groups X25519MLKEM768 and --max-tls-version TLS1.2 exclude each other",
        "of TLS 1.3",
      ],
      ["--tls-groups P-256,secp256r1", 64, "usage.value", "P-256 is named twice", ""],
    ],
  },
  "max-tls-version": {
    takes: [
      ["", tls({ maxVersion: "TLSv1.3" })],
      ["--max-tls-version=TLS1.2", tls({ maxVersion: "TLSv1.2" })],
      ["--max-tls-version TLS1.3", tls({ maxVersion: "TLSv1.3" })],
    ],
    refuses: [
      ["--max-tls-version TLS1.1", 64, "usage.value", '--max-tls-version: "TLS1.1"', VERSIONS],
      ["--max-tls-version 1.3", 64, "usage.value", '--max-tls-version: "1.3"', VERSIONS],
    ],
  },
  "cipher-suites": {
    takes: [
      ["", tls({ ciphers: `${AES}:${CHACHA}` })],
      ["--cipher-suites AES", tls({ ciphers: AES })],
      ["--cipher-suites=CHACHA,AES", tls({ ciphers: `${CHACHA}:${AES}` })],
    ],
    refuses: [
      ["--cipher-suites RC4", 64, "usage.value", 'there is no group "RC4"', "use AES, CHACHA or both"],
      ["--cipher-suites=", 64, "usage.value", 'there is no group ""', "use AES, CHACHA or both"],
      ["--cipher-suites toString", 64, "usage.value", 'there is no group "toString"', ""],
      ["--cipher-suites AES,UNSAFE-AZURE", 64, "tunnel.unsafe_ciphers", "is not safe", "--allow-unsafe-cipher-suites"],
    ],
  },
  "allow-unsafe-cipher-suites": {
    takes: [
      [
        "--allow-unsafe-cipher-suites --cipher-suites UNSAFE-AZURE",
        tls({ ciphers: "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA" }),
      ],
      ["--allow-unsafe-cipher-suites", tls({ ciphers: `${AES}:${CHACHA}` })],
    ],
    refuses: flagSwitch("allow-unsafe-cipher-suites", () => ({})).refuses,
  },
  "session-resumption": flagSwitch("session-resumption", (resumption) => settings({ resumption })),
  alpn: {
    takes: [
      ["", tunnel({ protocolIds: [] })],
      ["--alpn h2 --alpn=http/1.1", tunnel({ protocolIds: ["h2", "http/1.1"] })],
    ],
    refuses: [
      ["--alpn=", 64, "usage.value", "--alpn: a protocol id has 1 to 255 bytes", "e.g. --alpn postgresql"],
      [`--alpn ${"x".repeat(256)}`, 64, "usage.value", "--alpn: a protocol id has 1 to 255 bytes", ""],
    ],
  },
  starttls: {
    takes: [
      ["", tunnel({ starttls: undefined })],
      ["--starttls postgres", tunnel({ starttls: "postgres" })],
    ],
    refuses: [["--starttls smtp", 64, "usage.value", '--starttls: "smtp"', "use one of postgres"]],
  },
  "connect-timeout": durations("connect-timeout", (connectTimeout) => settings({ connectTimeout }), false),
  "close-timeout": durations("close-timeout", (halfClosed) => settings({ relayLimits: { halfClosed } }), true),
  "max-conn-lifetime": durations("max-conn-lifetime", (lifetime) => settings({ relayLimits: { lifetime } }), true),
  "idle-timeout": durations("idle-timeout", (idle) => settings({ relayLimits: { idle } }), true),
  keepalive: {
    ...durations("keepalive", KEEPALIVE, true),
    refuses: [
      ...durations("keepalive", KEEPALIVE, true).refuses,
      // More than the system takes.
      ["--keepalive 10h", 64, "usage.value", '--keepalive: "10h" is not in range', "to 9h"],
    ],
  },
  workers: {
    takes: [
      ["", settings({ workers: 1 })],
      ["--workers 1", settings({ workers: 1 })],
    ],
    refuses: [
      ["--workers 0", 64, "usage.value", '"0" is not in range', "it must be from 1"],
      ["--workers two", 64, "usage.value", '"two" is not an integer', ""],
      ["--workers 2", 64, "usage.conflict", "--workers and --listen", "listen at HOST:PORT"],
    ],
  },
  "max-concurrent-conns": {
    takes: [
      ["--max-concurrent-conns 7", tunnel({ most: 7 })],
      ["--max-concurrent-conns=0", tunnel({ most: 1_000_000 })],
      ["", tunnel({ most: 1_000_000 })],
    ],
    refuses: [
      ["--max-concurrent-conns many", 64, "usage.value", '"many" is not an integer', "write digits only"],
      ["--max-concurrent-conns=-1", 64, "usage.value", '"-1" is not in range', "it must be from 0"],
      ["--max-concurrent-conns 1.5", 64, "usage.value", "is not an integer", ""],
      ["--max-concurrent-conns 1000001", 64, "usage.value", "is not in range", "to 1000000"],
    ],
  },
} satisfies Rows;
