/** What the access proxy reads from files: the policy and the users. As a whole, or not at all; puts nothing in force. */
import { readFileSync } from "node:fs";
import type { Policy } from "../../lib/acl/policy.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseUsers, type Users } from "../../lib/identity/users.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import { readGroups, type ControlGroups } from "./control-access.ts";
import type { Settings } from "./settings.ts";

/** What was read: swapped at a reload. */
export interface Loaded {
  readonly policy: Policy;
  /** Undefined where nobody is asked who they are. */
  readonly users: Users | undefined;
  /** Who may do what over the control socket. */
  readonly controlGroups: ControlGroups;
  /** Of the policy, rendered; empty where there are none. */
  readonly warnings: string;
}

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export function load(settings: Settings): Loaded {
  const { policy, warnings } = readPolicy(settings.acl);
  const controlGroups = readGroups(settings.control?.groups ?? { trusted: [], admin: [] });
  return { policy, warnings, users: readUsers(settings.users), controlGroups };
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
