/** `portail mux`: one port for everything. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "mux", description: "One port for everything, routed by server name, protocol id and first bytes" },
  commands: {
    check: () => import("./check.ts").then((module) => module.default),
    connect: () => import("./connect.ts").then((module) => module.default),
    exec: () => import("./exec.ts").then((module) => module.default),
    explain: () => import("./explain.ts").then((module) => module.default),
    forward: () => import("./forward.ts").then((module) => module.default),
    preset: () => import("./preset.ts").then((module) => module.default),
    serve: () => import("./serve.ts").then((module) => module.default),
  },
});
