/** `portail s3crypt keys`: the keyring that objects are encrypted with. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "keys", description: "Make a keyring, add keys to it, list them, change its password" },
  commands: {
    init: () => import("./keys/init.ts").then((module) => module.default),
    add: () => import("./keys/add.ts").then((module) => module.default),
    list: () => import("./keys/list.ts").then((module) => module.default),
    "rotate-password": () => import("./keys/rotate-password.ts").then((module) => module.default),
  },
});
