/** `portail acl fmt`: lays policies out in the one way, and prints, writes, compares or only names what changes. */
import { defineCommand } from "../../lib/command/define.ts";
import { usage } from "../../lib/command/argv.ts";
import { EXIT, PortailError, type ExitStatus } from "../../lib/command/errors.ts";
import { replaceFile } from "../../lib/command/write-file.ts";
import { unifiedDiff } from "./fmt/diff.ts";
import { formatInput, type Formatted } from "./fmt/input.ts";

export default defineCommand({
  meta: {
    name: "fmt",
    description: "Lay policies out in the one way, comments kept",
    long: `Without a file, or with -, standard input is formatted to standard output. Files are printed too, unless --write
changes them in place, --diff shows what would change, or --check asks only whether something would. --write and --check
print the names of the files that were, or would be, changed.

Formatting changes no decision. If one file cannot be parsed, nothing is written at all.`,
    examples: [
      { command: "portail acl fmt --write out.acl", description: "Format a policy in place" },
      { command: "portail acl fmt --check --diff out.acl hosts.acl", description: "In CI: say what is not formatted" },
      { command: "cat out.acl | portail acl fmt", description: "Format in an editor or a pipe" },
    ],
    exits: [
      { status: EXIT.done, meaning: "formatted; with --check, nothing would change" },
      { status: EXIT.no, meaning: "with --check, a file would change" },
      { status: EXIT.usage, meaning: "a flag is wrong, or does not go with another" },
      { status: EXIT.badData, meaning: "a policy cannot be parsed" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.cannotCreate, meaning: "a file cannot be written" },
    ],
  },
  args: {
    files: {
      type: "positional",
      multiple: true,
      valueHint: "FILE",
      description: "Policies to format; - is standard input",
    },
    write: { type: "boolean", alias: "w", description: "Change the files in place, whole or not at all" },
    check: { type: "boolean", description: "Only name what would change, and exit with 1 if something would" },
    diff: { type: "boolean", alias: "d", description: "Show what changes as a unified diff" },
  },
  async run({ args: { files, write, check, diff }, data }): Promise<ExitStatus> {
    const { stdout } = data;
    if (write && check) throw usage("usage.conflict", "--write and --check exclude each other");
    const names = files.length === 0 ? ["-"] : files;
    if (write && names.includes("-"))
      throw usage("usage.conflict", "--write cannot change standard input", "name files");
    const formatted: Formatted[] = [];
    for (const name of names) formatted.push(await formatInput(data, name));
    refuseBroken(formatted);
    for (const one of formatted) {
      const { name, path, before, after } = one;
      const changed = before !== after;
      if (changed && diff) stdout.write(unifiedDiff(name, before, after));
      else if (changed && (write || check)) stdout.write(`${name}\n`);
      else if (!diff && !write && !check) stdout.write(after);
      if (changed && write && path !== undefined) replaceFile(path, after, "acl.cannot_write");
    }
    return check && formatted.some(({ before, after }) => before !== after) ? EXIT.no : EXIT.done;
  },
});

/** All broken files are told at once, before anything is printed or written. */
function refuseBroken(formatted: readonly Formatted[]): void {
  const broken = formatted.filter(({ trouble }) => trouble !== "");
  if (broken.length === 0) return;
  const message =
    broken.length === 1
      ? `the policy ${JSON.stringify(broken[0]!.name)} is broken`
      : `${broken.length} policies are broken`;
  throw new PortailError(`${message}; nothing was formatted`, {
    code: "acl.invalid",
    exit: EXIT.badData,
    detail: broken.map(({ trouble }) => trouble).join("\n\n"),
  });
}
