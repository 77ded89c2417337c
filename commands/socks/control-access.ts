/** Who may do what over the control socket, by the ids that the system vouches for; every use of a right is logged and recorded. */
import { AUDIT_VERSION, type AuditEvent } from "../../lib/audit/event.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Logger } from "../../lib/command/log.ts";
import { groupId } from "../../lib/ffi/group.ts";
import type { Asked, VarlinkAnswer, VarlinkMethod } from "../../lib/service/varlink-interface.ts";
import type { JsonObject } from "../../lib/wire/varlink.ts";

/** Ids of groups. Neither right is a part of the other. */
export interface ControlGroups {
  readonly trusted: ReadonlySet<number>;
  readonly admin: ReadonlySet<number>;
}

export type Right = keyof ControlGroups;

/**
 * Looks up the groups' names, once: a name service that is slow holds up a start or a reload, and no call.
 * Throws `PortailError` (`control.unknown_group`).
 */
export function readGroups(names: Record<Right, readonly string[]>): ControlGroups {
  return { trusted: idsOf("trusted", names.trusted), admin: idsOf("admin", names.admin) };
}

function idsOf(right: Right, names: readonly string[]): ReadonlySet<number> {
  const ids = names.map((name) => {
    const id = /^\d{1,9}$/.test(name) ? Number(name) : groupId(name);
    if (id !== undefined) return id;
    throw new PortailError(`--control-${right}-group: there is no group ${JSON.stringify(name)}`, {
      code: "control.unknown_group",
      exit: EXIT.config,
      hint: "make it with groupadd, or give a group's number",
    });
  });
  return new Set(ids);
}

/** Whether the caller is root, or in a group of one of the rights: the primary one or any other. */
function mayUse(caller: Asked["caller"], rights: readonly Right[], groups: ControlGroups): boolean {
  return caller.uid === 0 || rights.some((right) => caller.groups.some((gid) => groups[right].has(gid)));
}

export interface AccessContext {
  readonly groups: () => ControlGroups;
  readonly log: Logger;
  record(event: AuditEvent): void;
}

interface Rule {
  readonly rights: readonly Right[];
  /** The full name of the error that a stranger gets. */
  readonly denied: string;
  /** What of the parameters a record shows. */
  subject?(parameters: JsonObject): unknown;
}

/** The longest subject in a record: it comes from the caller. */
const LONGEST = 200;

/** `method` for those who have the right. */
export function guarded(context: AccessContext, rule: Rule, method: VarlinkMethod): VarlinkMethod {
  return async (asked) => {
    const { log } = context;
    const { uid, gid, pid } = asked.caller;
    const subject = subjectOf(rule, asked.parameters);
    const note = (outcome: "done" | "denied" | "failed", error?: string) => {
      const fields = { method: asked.method, uid, pid, ...(subject !== undefined && { subject }) };
      if (outcome === "done") log.info("control", fields);
      else log.warn(`control ${outcome}`, { ...fields, error });
      context.record({
        v: AUDIT_VERSION,
        time: new Date().toISOString(),
        command: "socks",
        event: "control",
        method: asked.method,
        uid,
        gid,
        pid,
        outcome,
        ...(subject !== undefined && { subject }),
        ...(error !== undefined && { error }),
      });
    };
    if (!mayUse(asked.caller, rule.rights, context.groups())) {
      note("denied", rule.denied);
      return { error: rule.denied };
    }
    const answer: VarlinkAnswer = await method(asked);
    if ("error" in answer) note("failed", answer.error);
    else note("done");
    return answer;
  };
}

function subjectOf({ subject }: Rule, parameters: JsonObject): string | undefined {
  const value = subject?.(parameters);
  if (value === undefined || value === null) return undefined;
  return (typeof value === "string" ? value : JSON.stringify(value)).slice(0, LONGEST);
}
