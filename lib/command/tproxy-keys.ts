/** Keys of a `[[rule]]` table, which `portail tproxy` reads; most are flags of it too: whose connections a rule takes, and how they go on. */
import type { ArgDefinitions } from "./define.ts";
import { tunnelClientKeys, tunnelKeys } from "./tunnel-keys.ts";

const { "unsafe-listen": _, ...verify } = tunnelClientKeys;
const { acl } = tunnelKeys;

const FOR = "Which connections";

/** Flags that a row inherits. */
export const tproxyKeys = {
  "port-map": {
    type: "string",
    multiple: true,
    alias: "portMap",
    oneDash: true,
    valueHint: "PORT[:PORT],...",
    group: "Capture",
    description: "A port that is captured, and the one that is dialled in its place (8443:443)",
  },
  passthrough: {
    type: "boolean",
    group: "Capture",
    description:
      "Lead connections to ports that are not of --port-map to the true address, as they are; else they are refused",
  },
  alpn: {
    type: "string",
    multiple: true,
    valueHint: "ID",
    group: "TLS",
    description: "Protocol ids (ALPN) to offer, in order of preference",
  },
  starttls: {
    type: "string",
    valueHint: "postgres|mysql",
    group: "TLS",
    description: "Come to TLS with the server in the protocol's own way, for a client that knows nothing of it",
  },
  "disable-authentication": { type: "boolean", group: "TLS", description: "Present no certificate" },
  verifier: {
    type: "string",
    valueHint: "FILE",
    group: "What the server must be",
    description: "A module whose default function may refuse a server, or take the place of the check of its name",
  },
  acl,
  ...verify,
} as const satisfies ArgDefinitions;

export const tproxyRuleKeys = {
  name: {
    type: "string",
    multiple: true,
    group: FOR,
    description: "Names that it takes; * stands for one label or a part of it. Without: every name that is known",
  },
  address: {
    type: "string",
    multiple: true,
    group: FOR,
    description: "Addresses that stand for its name, of which it has one. One of --fake-range is never dialled",
  },
  user: { type: "string", multiple: true, group: FOR, description: "Users whose connections it takes, by name or id" },
  group: { type: "string", multiple: true, group: FOR, description: "Groups, by name or id" },
  cgroup: {
    type: "string",
    multiple: true,
    group: FOR,
    description: "Control groups (version 2) with all below them, such as /system.slice/app.service",
  },
  target: {
    type: "string",
    group: "Target",
    description: "HOST or HOST:PORT that is dialled in place of the name; the name is demanded of it all the same",
  },
  identity: { type: "string", description: "Name of an [identity.NAME] table, in place of --cert and --key" },
  trust: { type: "string", description: "Name of a [trust.NAME] table, in place of --cacert" },
  ...tproxyKeys,
} as const satisfies ArgDefinitions;
