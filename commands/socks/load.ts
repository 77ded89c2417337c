/** What the access proxy reads from files: policies, templates, users, certificates. As a whole, or not at all; puts nothing in force. */
import { readFileSync } from "node:fs";
import type { Policy } from "../../lib/acl/policy.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseUsers, type Users } from "../../lib/identity/users.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { loadTls, type LoadedTls } from "./load-tls.ts";
import type { Settings } from "./settings.ts";
import { readTemplates, type Templates } from "./templates.ts";

/** What was read: swapped at a reload. */
export interface Loaded {
  readonly policy: Policy;
  /** Decides what of a denial's reason is shown; undefined shows nothing. */
  readonly explainPolicy: Policy | undefined;
  readonly templates: Templates;
  /** Undefined where nobody is asked who they are. */
  readonly users: Users | undefined;
  /** Undefined where nobody speaks TLS. */
  readonly tls: LoadedTls | undefined;
  readonly warnings: readonly string[];
}

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export function load(settings: Settings, files: SourceFiles): Loaded {
  const { policy, warnings } = readPolicy(settings.acl);
  const explained = settings.explainAcl === undefined ? undefined : readPolicy(settings.explainAcl);
  const { templates, warnings: lacking } = readTemplates(settings.templates, policy);
  const users = readUsers(settings.users);
  const tls = settings.wayIn.tls === undefined ? undefined : loadTls(settings.wayIn.tls, files);
  const found = [warnings, explained?.warnings ?? ""].filter((warning) => warning !== "");
  return {
    policy,
    explainPolicy: explained?.policy,
    templates,
    users,
    tls,
    warnings: [...found, ...lacking, ...(tls?.warnings ?? [])],
  };
}

function readUsers(path: string | undefined): Users | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new PortailError(`cannot read the users file ${JSON.stringify(path)}: ${(error as { code?: string }).code}`, {
      code: "users.unreadable",
      exit: EXIT.noInput,
      hint: "make it with `htpasswd -nB NAME > FILE`, and let this user read it",
      cause: error,
    });
  }
  return parseUsers(text, path);
}
