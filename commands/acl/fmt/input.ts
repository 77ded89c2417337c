/** A policy as text, from a file or standard input, and what formatting makes of it. Writes nothing. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { formatPolicy } from "../../../lib/acl/format.ts";
import { renderDiagnostics } from "../../../lib/acl/render.ts";
import { decodeUtf8 } from "../../../lib/acl/set-file.ts";
import { Source } from "../../../lib/acl/source.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { Runtime } from "../../../lib/command/runtime.ts";

export interface Formatted {
  /** As it was named; standard input has a name of its own. */
  name: string;
  /** Absolute; undefined for standard input. */
  path: string | undefined;
  before: string;
  after: string;
  /** Rendered diagnostics of a text that cannot be parsed, else empty. */
  trouble: string;
}

const STDIN = "<standard input>";

/** Throws `PortailError` (66) for what cannot be read; what cannot be parsed is `trouble`. */
export async function formatInput(runtime: Runtime, file: string): Promise<Formatted> {
  const name = file === "-" ? STDIN : file;
  const path = file === "-" ? undefined : resolve(runtime.cwd, file);
  const bytes = path === undefined ? await readAll(runtime) : readFile(path, name);
  const before = decodeUtf8(bytes);
  if (before === undefined) {
    const trouble = `${name}:1:1: error: the file is not UTF-8 [acl.bad_encoding]`;
    return { name, path, before: "", after: "", trouble };
  }
  const { text, diagnostics } = formatPolicy(before, name);
  if (diagnostics === undefined) return { name, path, before, after: text, trouble: "" };
  const trouble = renderDiagnostics(diagnostics, new Map([[name, new Source(name, before)]]));
  return { name, path, before, after: before, trouble };
}

async function readAll({ stdin }: Runtime): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function readFile(path: string, name: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = (error as { code?: string }).code ?? String(error);
    throw new PortailError(`cannot read the policy ${JSON.stringify(name)}: ${reason}`, {
      code: "acl.unreadable",
      exit: EXIT.noInput,
      cause: error,
    });
  }
}
