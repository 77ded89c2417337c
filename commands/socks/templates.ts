/** The pages and texts that a policy's `explain-template` names, read from the folder of `--templates`. Shows nothing. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Policy } from "../../lib/acl/policy.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { PageTemplate } from "../../lib/session/page-template.ts";

/** One of both at least; what is not there is said as without a template. */
interface Template {
  readonly html: PageTemplate | undefined;
  readonly text: PageTemplate | undefined;
}

/** By the name that the policy gives them; `challenge` is the one for every challenge. */
export type Templates = ReadonlyMap<string, Template>;

/** In bytes; it is sent whole for each refusal. */
const MOST_SIZE = 256 * 1024;
/** `challenge` names no template in the language: a file of this name is taken. */
export const CHALLENGE = "challenge";

/**
 * Reads those that `policy` names. Without a folder there are none, and a warning says which are wanted. Throws
 * `PortailError` (`template.*`) for a name that is no plain file name, and for what is missing, too large or broken.
 */
export function readTemplates(
  folder: string | undefined,
  policy: Policy,
): { templates: Templates; warnings: string[] } {
  const names = templatesOf(policy);
  const templates = new Map<string, Template>();
  if (folder === undefined) {
    const list = names.map((name) => JSON.stringify(name)).join(", ");
    const warning = `the policy names templates (${list}), but there is no --templates: a page of portail's own is shown`;
    return { templates, warnings: names.length === 0 ? [] : [warning] };
  }
  for (const name of names) {
    const template = readTemplate(folder, name);
    if (template === undefined) throw missing(folder, name);
    templates.set(name, template);
  }
  const challenge = readTemplate(folder, CHALLENGE);
  if (challenge !== undefined && !templates.has(CHALLENGE)) templates.set(CHALLENGE, challenge);
  return { templates, warnings: [] };
}

function templatesOf({ program }: Policy): string[] {
  const names = program.policies.flatMap(({ action }) => {
    return action.kind === "deny" && action.template !== undefined ? [action.template] : [];
  });
  return [...new Set(names)];
}

/** Undefined where there is neither a page nor a text. */
function readTemplate(folder: string, name: string): Template | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(name)) {
    throw new PortailError(`${JSON.stringify(name.slice(0, 100))} cannot be the name of a template`, {
      code: "template.name",
      exit: EXIT.badData,
      hint: "name a file of the folder of --templates: letters, digits, dots, - and _, no folders",
    });
  }
  const stem = name.replace(/\.(html|txt)$/, "");
  const read = (kind: "html" | "text", ending: string) => {
    const path = join(folder, `${stem}.${ending}`);
    const text = readText(path);
    return text === undefined ? undefined : PageTemplate.parse(text, kind, path);
  };
  const template = { html: read("html", "html"), text: read("text", "txt") };
  return template.html === undefined && template.text === undefined ? undefined : template;
}

/** Undefined where there is no such file. A named pipe would keep everything waiting: it is opened without, and refused. */
function readText(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    if (code === "ENOENT") return undefined;
    throw unusable(path, `it cannot be read: ${code}`, EXIT.noInput, error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unusable(path, "it is no plain file", EXIT.badData);
    if (stat.size > MOST_SIZE) throw unusable(path, `it is larger than ${MOST_SIZE / 1024} KiB`, EXIT.badData);
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(fd));
  } catch (error) {
    if (error instanceof TypeError) throw unusable(path, "it is not UTF-8", EXIT.badData);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function unusable(path: string, why: string, exit: 65 | 66, cause?: unknown): PortailError {
  return new PortailError(`the template ${JSON.stringify(path)} is of no use: ${why}`, {
    code: "template.unusable",
    exit,
    hint: "a template is a UTF-8 file that this user may read",
    cause,
  });
}

function missing(folder: string, name: string): PortailError {
  const stem = name.replace(/\.(html|txt)$/, "");
  return new PortailError(`there is no template ${JSON.stringify(name)} in ${JSON.stringify(folder)}`, {
    code: "template.missing",
    exit: EXIT.noInput,
    hint: `write ${stem}.html for browsers, ${stem}.txt for other programs, or both`,
  });
}
