/** `portail acl`: tools for access policies. The language itself is lib/acl. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "acl", description: "Test, check, format and explain access policies" },
  commands: {
    explain: () => import("./explain.ts").then((module) => module.default),
    fmt: () => import("./fmt.ts").then((module) => module.default),
    lint: () => import("./lint.ts").then((module) => module.default),
    replay: () => import("./replay.ts").then((module) => module.default),
    test: () => import("./test.ts").then((module) => module.default),
  },
});
