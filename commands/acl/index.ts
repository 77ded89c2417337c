/** `portail acl`: tools for access policies. The language itself is lib/acl. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "acl", description: "Test, check, format and explain access policies" },
  commands: {
    lint: () => import("./lint.ts").then((module) => module.default),
  },
});
