/** Loading policies in the tests of lib/acl. Not a test. */
import type { Diagnostic } from "../../../../lib/acl/diagnostic.ts";
import { type LoadOptions, loadPolicy, type LoadResult } from "../../../../lib/acl/load.ts";
import type { Policy } from "../../../../lib/acl/policy.ts";
import { type Ip, parseIp } from "../../../../lib/wire/ip.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Loads `text` as `p.acl`, with other files beside it. */
export function loadText(text: string, files: Files = {}, options?: LoadOptions): LoadResult {
  const all: Files = { "p.acl": text, ...files };
  return loadPolicy(
    "p.acl",
    (path) => {
      if (!Object.hasOwn(all, path)) throw new Error("no such file");
      return all[path]!;
    },
    options,
  );
}

/** The policy of a text that must load. */
export function policyOf(text: string, files: Files = {}): Policy {
  const { policy, diagnostics } = loadText(text, files);
  if (policy === undefined) throw new Error(JSON.stringify(diagnostics, undefined, 2));
  return policy;
}

/** The diagnostics of a text that must not load. */
export function troubles(text: string, files: Files = {}): readonly Diagnostic[] {
  const { policy, diagnostics } = loadText(text, files);
  if (policy !== undefined) throw new Error("it loads");
  return diagnostics;
}

export const ip = (text: string): Ip => parseIp(text)!;
