/** The preset of Teleport's names: RFD 39 and what followed, as `[[route]]` tables. Knows no flags, and opens nothing. */

/** What a preset is told: the keys of its table. */
export type PresetValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** A `[[route]]` table to be. */
export interface PresetRoute {
  /** For people who read it. */
  note: string;
  keys: Readonly<Record<string, string | boolean | readonly string[]>>;
}

/** What begins a server name of kube: `kube.` alone would be an application's as well. */
const KUBE = "^kube-teleport-proxy-alpn\\.";

/** Behind these the target gets what was in TLS. The key of the target is the end of the id. */
const DATABASES = [
  "postgres",
  "mysql",
  "mongodb",
  "redis",
  "sqlserver",
  "snowflake",
  "oracle",
  "cassandra",
  "elasticsearch",
  "opensearch",
  "dynamodb",
  "clickhouse",
  "spanner",
  "tcp",
];

/** Of the proxy's own services. */
const SERVICES: Readonly<Record<string, string>> = {
  ssh: "teleport-proxy-ssh",
  "ssh-grpc": "teleport-proxy-ssh-grpc",
  grpc: "teleport-proxy-grpc",
  "grpc-mtls": "teleport-proxy-grpc-mtls",
  "reverse-tunnel": "teleport-reversetunnel",
};

/** What it is where nobody says otherwise: all on this host, at Teleport's ports. */
export const TELEPORT_EXAMPLE: PresetValues = {
  version: "2",
  web: ["localhost:3080"],
  ssh: ["localhost:3023"],
  "reverse-tunnel": ["localhost:3024"],
  kube: ["localhost:3026"],
  postgres: ["localhost:5432"],
  mysql: ["localhost:3036"],
  mongodb: ["localhost:27017"],
  auth: ["{capture}.auth.example.com:3025"],
  "auth-acl": "auth.acl",
};

/** The listeners that Teleport had for each before, with the ports that version 1 keeps, and what clients begin with there. */
const LEGACY: readonly { of: string; port?: string; keys: PresetRoute["keys"]; note: string }[] = [
  { of: "ssh", port: ":3023", keys: { "first-bytes": "ssh" }, note: "SSH without TLS" },
  { of: "reverse-tunnel", port: ":3024", keys: { "first-bytes": "ssh" }, note: "SSH of reverse tunnels without TLS" },
  { of: "kube", port: ":3026", keys: {}, note: "TLS of kube, whatever its name" },
  { of: "mysql", port: ":3036", keys: { "first-bytes": "silent" }, note: "MySQL, whose server speaks first" },
  { of: "postgres", keys: { starttls: "postgres" }, note: "PostgreSQL, with its own request for TLS" },
  { of: "mongodb", keys: {}, note: "TLS of MongoDB" },
];

/** Routes in the order in which people read them. Those whose target is not named are left out, or refuse. */
export function teleportRoutes(given: PresetValues): PresetRoute[] {
  const has = (name: string) => given[name] !== undefined;
  const to = (name: string) => leadTo(given, given[name] as readonly string[]);
  const named = (name: string, keys: PresetRoute["keys"]) => ({ name: `teleport-${name}`, ...keys });
  const ended = { terminate: true, ...(given["unsafe-target"] === true ? { "unsafe-target": true } : {}) };
  const routes: PresetRoute[] = [];
  const add = (note: string, name: string, keys: PresetRoute["keys"]) => routes.push({ note, keys: named(name, keys) });

  const more = (given["kube-server-name"] ?? []) as readonly string[];
  const kube = { ...(more.length > 0 ? { "server-name": more } : {}), "server-name-regex": KUBE };
  if (has("kube"))
    add("The name decides before the protocol id; not a byte is changed.", "kube", { ...kube, ...to("kube") });
  else add("It is not led to web.", "kube", { ...kube, refuse: "there is no target for kube" });
  if (has("auth")) {
    const acl = typeof given["auth-acl"] === "string" ? { acl: given["auth-acl"] } : {};
    const note = "The cluster stands behind the @: one DNS label. Its TLS is its own.";
    add(note, "auth", { alpn: "teleport-auth@*", ...acl, ...to("auth") });
  }
  if (has("web")) {
    const ids = (given["web-alpn"] ?? []) as readonly string[];
    const alpn = [...(ids.length === 0 ? ["http/1.1", "h2"] : ids), ""];
    const note = '"" are clients that offer no protocol id. With h2 the target gets HTTP/2, in the clear or over TLS.';
    add(note, "web", { alpn, ...ended, ...to("web"), ...webTls(given) });
  }
  for (const [name, id] of Object.entries(SERVICES)) {
    if (!has(name)) continue;
    const who = name === "grpc-mtls" ? { "client-certificate": "required", "allow-all": true } : {};
    add(`TLS ends here.`, name, { alpn: id, ...ended, ...who, ...to(name) });
  }
  for (const name of DATABASES) {
    if (!has(name)) continue;
    const id = `teleport-${name}`;
    const note = name === "mysql" ? "A version may stand behind it, in base64." : "TLS ends here.";
    add(note, name, { alpn: name === "mysql" ? [id, `${id}-**`] : id, ...ended, ...to(name) });
  }
  routes.push(...oldClients(given));
  if (has("acme"))
    add("Whoever asks for certificates answers by itself.", "acme", { alpn: "acme-tls/1", ...to("acme") });
  const later = [...DATABASES.map((name) => `teleport-${name}-ping`), "teleport-reversetunnelv2"];
  add("To come: the framing of -ping, and reverse tunnels that are portail's own.", "later", {
    alpn: has("reverse-tunnel") ? later : [...later, SERVICES["reverse-tunnel"]!],
    refuse: "portail does not speak this protocol yet",
  });
  routes.push(...legacy(given));
  return routes;
}

function leadTo({ health }: PresetValues, target: readonly string[]): PresetRoute["keys"] {
  const checked = typeof health === "string" && target.some((text) => !text.includes("{"));
  return { target, ...(checked ? { health } : {}) };
}

function webTls(given: PresetValues): PresetRoute["keys"] {
  const { "web-tls": tls, "web-trust": trust, "web-server-name": name } = given;
  if (tls !== true) return {};
  return {
    "target-tls": true,
    ...(typeof trust === "string" ? { "target-trust": trust } : {}),
    ...(typeof name === "string" ? { "target-server-name": name } : {}),
  };
}

/** Clients without TLS on the one port, as they were before. */
function oldClients(given: PresetValues): PresetRoute[] {
  const routes: PresetRoute[] = [];
  const shell = given["reverse-tunnel"] ?? given["ssh"];
  const { postgres } = given;
  const add = (note: string, keys: PresetRoute["keys"], target: unknown) =>
    routes.push({ note, keys: { ...keys, ...leadTo(given, target as readonly string[]) } });
  if (shell !== undefined) {
    const note = "SSH without TLS: nodes of before, which have no other way; clients of before, where there are none.";
    add(note, { name: "teleport-plain-ssh", "first-bytes": "ssh" }, shell);
  }
  if (postgres !== undefined) {
    const note = "psql as it is: its own request for TLS, or TLS at once with its own id.";
    add(note, { name: "teleport-plain-postgres", starttls: "postgres" }, postgres);
    add("And its ^C, which comes without a name.", cancelling("teleport-postgres-cancel"), postgres);
  }
  return routes;
}

const cancelling = (name: string) => ({ name, "first-bytes": "postgres-cancel" });

/** Version 2 opens those that have an address. */
function legacy(given: PresetValues): PresetRoute[] {
  return LEGACY.flatMap(({ of, port, keys, note }) => {
    const target = given[of];
    const said = (given[`${of}-listen`] ?? []) as readonly string[];
    const listen = said.length > 0 ? said : given["version"] === "1" && port !== undefined ? [port] : [];
    if (target === undefined || listen.length === 0) return [];
    const led = leadTo(given, target as readonly string[]);
    const routes = [{ note: `${note}.`, keys: { name: `teleport-legacy-${of}`, listen, ...keys, ...led } }];
    if (of !== "postgres") return routes;
    return [
      ...routes,
      { note: "And its ^C.", keys: { ...cancelling("teleport-legacy-postgres-cancel"), listen, ...led } },
    ];
  });
}

/** What is named and leads nowhere, or lacks what it needs: half a sentence, and a hint. */
export function teleportMistake(given: PresetValues): { message: string; hint: string } | undefined {
  const needs = (key: string, other: string) => ({ message: `${key} needs ${other}`, hint: `write ${other} too` });
  if (given["web"] === undefined)
    return { message: "there is no target for web", hint: "write web = ADDRESS, or --preset-target web=ADDRESS" };
  for (const { of } of LEGACY)
    if (((given[`${of}-listen`] ?? []) as readonly string[]).length > 0 && given[of] === undefined)
      return needs(`${of}-listen`, of);
  const captured = ((given["auth"] ?? []) as readonly string[]).some((text) => text.includes("{"));
  if (captured && given["auth-acl"] === undefined) return needs("auth with {capture}", "auth-acl");
  if (given["auth-acl"] !== undefined && given["auth"] === undefined) return needs("auth-acl", "auth");
  for (const key of ["web-trust", "web-server-name"])
    if (given[key] !== undefined && given["web-tls"] !== true) return needs(key, "web-tls = true");
  return undefined;
}
