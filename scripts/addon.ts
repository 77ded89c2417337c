/** Builds the addon of graphene-pk11 where there is a compiler; without it, modules are called by foreign functions. */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";

const MODULES = resolve(import.meta.dir, "..", "node_modules");
const ADDON = join(MODULES, "pkcs11js/build/Release/pkcs11.node");
const SOURCES = ["dl", "common", "main"].map((name) => join(MODULES, `pkcs11js/src/${name}.cpp`));
const FLAGS = [
  "-std=c++17",
  "-O2",
  "-shared",
  "-fPIC",
  "-DNAPI_DISABLE_CPP_EXCEPTIONS",
  "-DNODE_GYP_MODULE_NAME=pkcs11",
  "-DBUILDING_NODE_EXTENSION",
  "-I",
  join(MODULES, "node-api-headers/include"),
  "-I",
  join(MODULES, "pkcs11js/includes"),
];

/** Its path; undefined where it cannot be built. Built once for an installation. */
export function buildAddon(): string | undefined {
  if (existsSync(ADDON)) return ADDON;
  const compiler = Bun.which("g++");
  if (compiler === null || process.platform !== "linux") return undefined;
  mkdirSync(resolve(ADDON, ".."), { recursive: true });
  // Another process may be building it as well.
  const own = `${ADDON}.${process.pid}`;
  const { exitCode } = Bun.spawnSync([compiler, ...FLAGS, ...SOURCES, "-o", own], {
    stdout: "ignore",
    stderr: "ignore",
  });
  if (exitCode !== 0) return undefined;
  renameSync(own, ADDON);
  return ADDON;
}
