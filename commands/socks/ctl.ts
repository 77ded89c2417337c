/** `portail socks ctl`: orders to a running access proxy, over its control socket. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "ctl", description: "See and steer a running proxy over its control socket" },
  commands: {
    list: () => import("./ctl/list.ts").then((module) => module.default),
    explain: () => import("./ctl/explain.ts").then((module) => module.default),
    close: () => import("./ctl/close.ts").then((module) => module.default),
    reload: () => import("./ctl/reload.ts").then((module) => module.default),
    drain: () => import("./ctl/drain.ts").then((module) => module.default),
    backends: () => import("./ctl/backends.ts").then((module) => module.default),
    "set-default": () => import("./ctl/set-default.ts").then((module) => module.default),
    "unset-default": () => import("./ctl/unset-default.ts").then((module) => module.default),
    "update-backend": () => import("./ctl/update-backend.ts").then((module) => module.default),
  },
});
