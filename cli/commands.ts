/** The tree of commands. A command's module is imported when its words are typed, or its group's help is wanted. */

import { defineGroup, type Group } from "../lib/command/define.ts";

export const root: Group = defineGroup({
  meta: { name: "portail", description: "Access without a VPN, decided by policy" },
  commands: {
    acl: () => import("../commands/acl/index.ts").then((module) => module.default),
    audit: () => import("../commands/audit/index.ts").then((module) => module.default),
    check: () => import("../commands/check/index.ts").then((module) => module.checkCommand(root)),
    "check-acl-syntax": () => import("../commands/acl/check-acl-syntax.ts").then((module) => module.default),
    completion: () => import("./completion/command.ts").then((module) => module.default),
    daemon: () => import("../commands/socks/daemon.ts").then((module) => module.default),
    doctor: () => import("../commands/doctor/index.ts").then((module) => module.default),
    identity: () => import("../commands/identity/index.ts").then((module) => module.default),
    mux: () => import("../commands/mux/index.ts").then((module) => module.default),
    rpc: () => import("../commands/socks/rpc.ts").then((module) => module.default),
    s3crypt: () => import("../commands/s3crypt/index.ts").then((module) => module.default),
    socks: () => import("../commands/socks/index.ts").then((module) => module.default),
    tproxy: () => import("../commands/tproxy/index.ts").then((module) => module.default),
    tunnel: () => import("../commands/tunnel/index.ts").then((module) => module.default),
  },
});
