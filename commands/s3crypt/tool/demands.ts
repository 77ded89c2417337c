/** What is asked of objects, from flags; and what is said of those that only just do. */
import { usage } from "../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../lib/command/define.ts";
import type { Logger } from "../../../lib/command/log.ts";
import { parseChoice } from "../../../lib/command/values.ts";
import type { Demands, ObjectKind } from "../object/open.ts";
import { isPart } from "../object/parts.ts";
import type { demanding } from "./flags.ts";

export interface GivenDemands extends Demands {
  /** Whether to say so where plaintext is passed through. */
  readonly warns: boolean;
}

const LARGEST = 2n ** 64n - 1n;

/** Throws `PortailError`. */
export function parseDemands(given: ParsedArgs<typeof demanding>): GivenDemands {
  const plaintext = parseChoice("--plaintext", given.plaintext, ["allow", "warn", "deny"]);
  const { from } = given;
  if (from !== undefined && !given["require-final"])
    throw usage("usage.conflict", "--from goes with --require-final", "add --require-final");
  return {
    plaintext: plaintext !== "deny",
    warns: plaintext === "warn",
    finalFrom: given["require-final"] ? parseKeyId(from ?? "0") : undefined,
  };
}

function parseKeyId(text: string): bigint {
  const id = /^[0-9]{1,20}$/.test(text) ? BigInt(text) : LARGEST + 1n;
  if (id > LARGEST) throw usage("usage.value", `--from: ${JSON.stringify(text)} is no key id`, "use a whole number");
  return id;
}

/** After an object was read: what its reader should know. `name` is what it is called. */
export function warnOf(
  { kind, endProven }: { kind: ObjectKind | undefined; endProven: boolean },
  { warns }: GivenDemands,
  log: Logger,
  name: string,
): void {
  if (kind === "plaintext") {
    if (warns) log.warn(`${name} is not encrypted: nothing shows that it is as it was written`);
  } else if (isPart(kind)) {
    log.warn(`nothing shows that ${name} has all of its parts: its manifest stays with the storage`);
  } else if (!endProven) {
    log.warn(`nothing shows that ${name} ends where it was ended: ds_proxy wrote it, or it was cut off`);
  }
}
