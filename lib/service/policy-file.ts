/** Reads the policy that `--acl` names, with its includes and sets, and says what is wrong with it. Decides nothing. */
import { readFileSync } from "node:fs";
import { loadPolicy } from "../acl/load.ts";
import type { Policy } from "../acl/policy.ts";
import { renderDiagnostics } from "../acl/render.ts";
import { EXIT, PortailError } from "../command/errors.ts";

interface ReadPolicy {
  policy: Policy;
  /** Rendered; empty where there are none. */
  warnings: string;
}

interface ReadOptions {
  /** Those that the configuration names: a route to another is an error. `any` is for tools that know no configuration. */
  backends?: readonly string[] | "any";
  /** Told the path of each file before it is read, sets and includes too. */
  reading?: (path: string) => void;
}

/**
 * Reads `path` or `builtin:sample`.
 * Throws `PortailError`: `acl.unreadable` (66) or `acl.invalid` (65, the diagnostics as its detail).
 */
export function readPolicy(path: string, { backends = [], reading }: ReadOptions = {}): ReadPolicy {
  const unreadable: unknown[] = [];
  const read = (file: string) => {
    reading?.(file);
    try {
      return readFileSync(file);
    } catch (error) {
      if (file === path) unreadable.push(error);
      throw new Error((error as { code?: string }).code ?? String(error), { cause: error });
    }
  };
  const { policy, diagnostics, sources } = loadPolicy(path, read, {
    ...(backends !== "any" && { backends }),
    digest: sha256,
  });
  if (unreadable.length > 0) throw cannotRead(path, unreadable[0]);
  const rendered = renderDiagnostics(diagnostics, sources);
  if (policy !== undefined) return { policy, warnings: rendered };
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  throw new PortailError(`the policy ${JSON.stringify(path)} has ${errors === 1 ? "an error" : `${errors} errors`}`, {
    code: "acl.invalid",
    exit: EXIT.badData,
    hint: "the language is described in lib/acl/GRAMMAR.md",
    detail: rendered,
  });
}

function cannotRead(path: string, error: unknown): PortailError {
  const reason = (error as { code?: string }).code ?? String(error);
  return new PortailError(`cannot read the policy ${JSON.stringify(path)}: ${reason}`, {
    code: "acl.unreadable",
    exit: EXIT.noInput,
    hint: "give the path of a policy, or builtin:sample to try things",
    cause: error,
  });
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
