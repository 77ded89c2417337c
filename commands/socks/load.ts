/** What the access proxy reads from files: the policy, the users and what providers need. As a whole, or not at all; puts nothing in force. */
import { readFileSync } from "node:fs";
import type { Policy } from "../../lib/acl/policy.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { LoadedContext } from "../../lib/context/load.ts";
import { parseUsers, type Users } from "../../lib/identity/users.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import type { Settings } from "./settings.ts";

/** What was read: swapped at a reload. */
export interface Loaded {
  readonly policy: Policy;
  /** Undefined where nobody is asked who they are. */
  readonly users: Users | undefined;
  /** Providers of facts that the policy mentions; undefined where it needs none. */
  readonly context?: LoadedContext | undefined;
  /** Of the policy, rendered; empty where there are none. */
  readonly warnings: string;
}

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export function load(settings: Settings): Loaded {
  const { policy, warnings } = readPolicy(settings.acl);
  return { policy, warnings, users: readUsers(settings.users), context: settings.context?.load(policy.mentions) };
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
