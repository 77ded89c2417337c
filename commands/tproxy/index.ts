/** `portail tproxy`: mutual TLS for programs that cannot do it. */
import { runCommand } from "./run.ts";

export default runCommand("tproxy", {
  dns: () => import("./dns.ts").then((module) => module.default),
  exec: () => import("./exec.ts").then((module) => module.default),
  rules: () => import("./rules.ts").then((module) => module.default),
  run: () => import("./run.ts").then((module) => module.default),
});
