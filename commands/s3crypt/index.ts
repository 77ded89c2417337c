/** `portail s3crypt`: objects that the storage cannot read. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "s3crypt", description: "Encrypted objects for any S3 or Swift client, and their keys" },
  commands: {
    encrypt: () => import("./encrypt.ts").then((module) => module.default),
    decrypt: () => import("./decrypt.ts").then((module) => module.default),
    inspect: () => import("./inspect.ts").then((module) => module.default),
    verify: () => import("./verify.ts").then((module) => module.default),
    serve: () => import("./serve.ts").then((module) => module.default),
    keys: () => import("./keys.ts").then((module) => module.default),
    // Names of the reference.
    proxy: () => import("./serve.ts").then((module) => module.proxy),
    "init-keyring": () => import("./keys/init.ts").then((module) => module.initKeyring),
    "add-key": () => import("./keys/add.ts").then((module) => module.addKeyAlias),
    "rotate-password": () => import("./keys/rotate-password.ts").then((module) => module.rotatePassword),
  },
});
