/** Rows of the flags that say who may, and what the other side must be. */
import { expect } from "bun:test";
import type { AccessPrefix } from "../../../../../lib/identity/access.ts";
import { flagSwitch, tunnel, type Refused, type Row, type Rows } from "./row.ts";

const ANYBODY = { without: ["who"] } as const;
const NO_RULE = "give --allow-all, --allow-cn, --allow-ou, --allow-dns, --allow-uri, --allow-spki-pin or --acl";
/** SHA-256 of nothing. */
const PIN = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/** A flag of names; `patterns` is what a kind of name does not take. */
function names(kind: "cn" | "ou" | "dns" | "ip" | "uri", value: string, wrong: readonly Refused[]) {
  return (prefix: AccessPrefix): Row => {
    const flag = `--${prefix}-${kind}`;
    const alias = kind === "cn" || kind === "ou" ? flag : `${flag}-san`;
    const shows = { [kind]: [expect.anything(), expect.anything()] };
    return {
      takes: [
        [`${flag} ${value} ${flag}=${value}`, tunnel({ rules: { prefix, pinned: false, ...shows } }), ANYBODY],
        [`${alias} ${value} ${flag} ${value}`, tunnel({ rules: { prefix, ...shows } }), ANYBODY],
      ],
      refuses: [
        [`${flag}=`, 64, "usage.value", `${flag}: "" is not`, "", ANYBODY],
        ...wrong.map(([words, ...how]): Refused => [`${flag} ${words}`, ...how]),
        ...(prefix === "allow"
          ? ([
              [
                `${flag} ${value} --allow-all`,
                64,
                "usage.conflict",
                `--allow-all and ${flag} exclude each other`,
                "",
                ANYBODY,
              ],
              [
                `${flag} ${value} --disable-authentication`,
                64,
                "usage.conflict",
                "--disable-authentication and the --allow flags exclude each other",
                "nothing to allow by",
                ANYBODY,
              ],
            ] satisfies Refused[])
          : []),
        [
          `${flag} ${value} --${prefix}-spki-pin ${PIN}`,
          64,
          "usage.conflict",
          `--${prefix}-spki-pin and ${flag} exclude each other`,
          "a pin stands in place of the certificate's chain",
          ANYBODY,
        ],
      ],
    };
  };
}

const badUri = (words: string, why: string): Refused => [
  words,
  64,
  "usage.value",
  "is not a URI pattern",
  why,
  ANYBODY,
];
const cn = names("cn", "alice-*", []);
const ou = names("ou", "eng", []);
const dns = names("dns", "*.example.org", []);
const ip = names("ip", "192.0.2.1", [
  ["192.0.2.0/24", 64, "usage.value", "is not an IP address", "write one address", ANYBODY],
]);
const uri = names("uri", "spiffe://a/*/b/**", [
  badUri("spiffe://a/**/b", "spiffe://example.org/ns/**"),
  badUri("spiffe://a/**b", "spiffe://example.org/*/web"),
]);

function pins(prefix: AccessPrefix): Row {
  const flag = `--${prefix}-spki-pin`;
  const bad = (value: string): Refused => [
    `${flag} ${value}`,
    64,
    "usage.value",
    "is not a pin",
    "openssl dgst",
    ANYBODY,
  ];
  return {
    takes: [
      [`${flag} ${PIN} ${flag} ${PIN}`, tunnel({ rules: { pinned: true, pins: { length: 2 } } }), ANYBODY],
      [`${flag} ${PIN}`, tunnel({ rules: { pinned: true } }), { without: ["who", "trust"] }],
    ],
    refuses: [
      bad("sha256:short"),
      bad(PIN.replace("sha256", "sha1")),
      bad(PIN.replace("sha256", "sha384")),
      bad(PIN.replace("sha256:", "")),
      [
        `${flag} ${PIN} --crl @/list.crl`,
        64,
        "usage.conflict",
        `--crl and ${flag} exclude each other`,
        "leave --crl out",
        ANYBODY,
      ],
    ],
  };
}

export const whoRows = {
  "allow-all": {
    takes: [["--allow-all", tunnel({ authenticate: true, rules: { all: true } }), ANYBODY]],
    refuses: [
      [
        "",
        78,
        "tunnel.no_access_rule",
        "nothing says which clients may connect",
        NO_RULE,
        { ...ANYBODY, side: "server" },
      ],
      ["--no-allow-all", 78, "tunnel.no_access_rule", "nothing says which clients may connect", NO_RULE, ANYBODY],
      ["--allow-all=yes", 64, "usage.value", "--allow-all takes no value", "write --allow-all", ANYBODY],
    ],
  },
  "allow-cn": cn("allow"),
  "allow-ou": ou("allow"),
  "allow-dns": dns("allow"),
  "allow-ip": ip("allow"),
  "allow-uri": uri("allow"),
  "allow-spki-pin": pins("allow"),
  "verify-cn": cn("verify"),
  "verify-ou": ou("verify"),
  "verify-dns": dns("verify"),
  "verify-ip": ip("verify"),
  "verify-uri": uri("verify"),
  "verify-spki-pin": {
    takes: [
      ...pins("verify").takes,
      [
        `--verify-spki-pin ${PIN} --disable-authentication`,
        tunnel({ authenticate: false, rules: { pinned: true } }),
        { without: ["identity"] },
      ],
    ],
    refuses: pins("verify").refuses,
  },
  "disable-authentication": {
    takes: [
      ["--disable-authentication", tunnel({ authenticate: false, rules: undefined }), { ...ANYBODY, side: "server" }],
      ["--disable-authentication", tunnel({ authenticate: false }), { without: ["identity"], side: "client" }],
      ["--no-disable-authentication", tunnel({ authenticate: true })],
    ],
    refuses: [
      [
        "--disable-authentication --allow-all",
        64,
        "usage.conflict",
        "--disable-authentication and the --allow flags exclude each other",
        "nothing to allow by",
        { ...ANYBODY, side: "server" },
      ],
      [
        `--disable-authentication --allow-spki-pin ${PIN}`,
        64,
        "usage.conflict",
        "--disable-authentication and the --allow flags exclude each other",
        "",
        { ...ANYBODY, side: "server" },
      ],
      [
        "--disable-authentication --crl @/list.crl",
        64,
        "usage.conflict",
        "--crl and --disable-authentication exclude each other",
        "leave --crl out",
        { ...ANYBODY, side: "server" },
      ],
      [
        "--disable-authentication",
        64,
        "usage.conflict",
        "--disable-authentication and an identity exclude each other",
        "also from the environment",
        { side: "client" },
      ],
      [
        "--disable-authentication",
        64,
        "usage.conflict",
        "--disable-authentication and an identity exclude each other",
        "also from the environment",
        { side: "client", without: ["identity"], env: { KEYSTORE_PATH: "@/own.pem" } },
      ],
      [
        "",
        64,
        "tunnel.no_identity",
        "no certificate",
        "--disable-authentication",
        { side: "client", without: ["identity"] },
      ],
    ],
  },
  acl: {
    takes: [
      ["--acl @/policy.acl", tunnel({ acl: "@/policy.acl" }), ANYBODY],
      ["--acl @/policy.acl", tunnel({ acl: "@/policy.acl" })],
      ["--acl @/policy.acl --disable-authentication", tunnel({ authenticate: false }), { ...ANYBODY, side: "server" }],
    ],
    refuses: [
      ["--acl no.acl", 66, "acl.unreadable", 'cannot read the policy "no.acl"', "builtin:sample"],
      ["--acl @/broken.acl", 65, "acl.", "", "the language is described"],
      ["--acl @/policy.acl --acl @/policy.acl", 64, "usage.repeated", "--acl is given more than once", ""],
    ],
  },
  "override-server-name": {
    takes: [
      ["--override-server-name ghostunnel", tunnel({ serverName: "ghostunnel" })],
      ["--override-server-name Server.Example.", tunnel({ serverName: "server.example" })],
      ["--override-server-name 192.0.2.1", tunnel({ serverName: "192.0.2.1" })],
    ],
    refuses: [
      ["--override-server-name=", 64, "usage.value", "is no name of a server: the host is empty", "a DNS name"],
      ["--override-server-name a:443", 64, "usage.value", '"a:443" is no name of a server', "without a port"],
      ["--override-server-name https://a", 64, "usage.value", "is no name of a server", ""],
      ["--override-server-name *.example", 64, "usage.value", "is no name of a server", ""],
    ],
  },
  "unsafe-cn-as-name": flagSwitch("unsafe-cn-as-name", (cnAsName) => tunnel({ cnAsName })),
} satisfies Rows;
