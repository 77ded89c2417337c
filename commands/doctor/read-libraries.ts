/** Looks at the libraries of the system, PKCS#11 modules and trusted certificates. Logs in nowhere, and asks for no PIN. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { PortailError } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { libcryptoMessages } from "../../lib/ffi/libcrypto.ts";
import { findOpenssl, openssl } from "../../lib/ffi/openssl.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { readSystemStore } from "../../lib/identity/system-store.ts";
import { TokenProcess } from "../../lib/identity/token/process.ts";
import { CKF } from "../../lib/wire/cryptoki.ts";
import type { ConfiguredModule, LibraryFacts, ModuleFacts } from "./facts.ts";
import { parseModule } from "./parse.ts";
import { readText } from "./read-system.ts";

/** Milliseconds for a module to say what it has. */
const PATIENCE = 10_000;
/** Where p11-kit's configuration is: what it comes with, then what the administrator says in its place. */
const CONFIGURATION = ["/usr/share/p11-kit/modules", "/etc/pkcs11/modules"];
/** Where p11-kit looks for a module whose path is not absolute. */
const MODULES = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];

/** `thorough`: OpenSSL is prepared as it would be for a key in a token, not only found. */
export function readLibraries(runtime: Runtime, thorough: boolean): LibraryFacts {
  const prepared = thorough ? openssl() : undefined;
  return {
    cipher: libcryptoMessages()?.name,
    openssl: typeof prepared === "string" ? prepared : findOpenssl(),
    trust: readTrust(runtime),
  };
}

function readTrust(runtime: Runtime): number | string {
  const file = runtime.env["SSL_CERT_FILE"];
  // A pipe would have us wait for who writes to it.
  if (file && statSync(resolve(runtime.cwd, file), { throwIfNoEntry: false })?.isFile() === false)
    return `SSL_CERT_FILE, ${JSON.stringify(file)}, is no regular file`;
  try {
    return readSystemStore(new SourceFiles(runtime)).length;
  } catch (error) {
    if (error instanceof PortailError) return error.message;
    throw error;
  }
}

/** Loads each module in a process of its own, as daemons do. */
export function readModules({ cwd, env }: Runtime, modules: readonly string[]): Promise<ModuleFacts>[] {
  return modules.map(async (named) => {
    const path = resolve(cwd, named);
    if (!existsSync(path)) return { path, found: "there is no such file" };
    const process = new TokenProcess(path, env);
    const late = setTimeout(() => process.close(), PATIENCE);
    try {
      return { path, found: await contentsOf(process) };
    } catch (error) {
      const { message, code } = error as Error & { code?: string };
      return { path, found: code === "token.closed" ? `no answer within ${PATIENCE / 1000} s` : message };
    } finally {
      clearTimeout(late);
      process.close();
    }
  });
}

async function contentsOf(process: TokenProcess): Promise<Exclude<ModuleFacts["found"], string>> {
  const slots = await process.ask({ op: "slots" });
  const { manufacturer, description, version } = process.loaded!.info;
  const name = [manufacturer, description].filter((text) => text !== "").join(", ");
  // SoftHSM always has one more, which nobody has named yet.
  const tokens = slots.flatMap(({ token }) => (token && token.flags & CKF.tokenInitialized ? [token.label] : []));
  return { description: `${name} ${version.major}.${version.minor}`, tokens };
}

/** The modules that p11-kit is told of, but for those that only say whom to trust. None is loaded. A later folder counts for more. */
export function readConfigured(folders = CONFIGURATION): ConfiguredModule[] {
  const files = new Map<string, string>();
  for (const folder of folders) {
    for (const name of namesIn(folder)) if (name.endsWith(".module")) files.set(name, join(folder, name));
  }
  return [...files].toSorted().flatMap(([file, path]) => {
    const module = parseModule(readText(path) ?? "");
    return module === undefined ? [] : [{ name: file.slice(0, -".module".length), ...located(module) }];
  });
}

function located(module: string): { path: string; found: boolean } {
  if (isAbsolute(module)) return { path: module, found: existsSync(module) };
  const path = MODULES.map((folder) => join(folder, "pkcs11", module)).find((each) => existsSync(each));
  return { path: path ?? module, found: path !== undefined };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
