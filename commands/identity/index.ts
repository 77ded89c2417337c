/** `portail identity`: who this machine is to others, and where the keys for it are. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "identity", description: "Certificates and keys, in files and in tokens (PKCS#11)" },
  commands: {
    list: () => import("./list.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
    csr: () => import("./csr.ts").then((module) => module.default),
    "init-dev": () => import("./init-dev.ts").then((module) => module.default),
  },
});
