/** `portail tproxy`: mutual TLS for programs that cannot do it. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "tproxy", description: "Mutual TLS for programs that cannot do it, by the names they ask for" },
  commands: {
    dns: () => import("./dns.ts").then((module) => module.default),
  },
});
