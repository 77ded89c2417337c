/** From argv to an exit status: finds the command, vets its arguments, merges its configuration, runs it, reports. No process here. */

import { runCommand } from "citty";
import { completeArgs, usage, vetArgv } from "../lib/command/argv.ts";
import type { Command, Group } from "../lib/command/define.ts";
import { EXIT, type ExitStatus } from "../lib/command/errors.ts";
import { invocationOf } from "../lib/command/invocation.ts";
import type { OutputStream, Runtime } from "../lib/command/runtime.ts";
import { commandHelp, groupHelp, helpHint, type HelpStyle } from "./help.ts";
import { report } from "./report.ts";
import { GROUP_FLAGS, locate, misplacedFlag, summaries, type Place } from "./tree.ts";

const DEFAULT_WIDTH = 80;
const WIDEST = 100;
/** What completion scripts call; no help names it. */
const COMPLETE = "__complete";

/** Runs the command line `argv` (without the program's name) and returns its exit status. Never throws. */
export async function run(root: Group, argv: readonly string[], runtime: Runtime): Promise<ExitStatus> {
  let path: readonly string[] = [root.meta.name];
  try {
    if (argv[0] === COMPLETE) return await (await import("./completions.ts")).complete(root, argv.slice(1), runtime);
    const help = argv[0] === "help";
    const place = await locate(root, help ? argv.slice(1) : argv);
    path = place.path;
    if (help && place.rest.length === 0) return await showHelp(place, runtime.stdout);
    if (help)
      throw usage("usage.extra_argument", `unexpected argument ${JSON.stringify(place.rest[0])}`, helpHint(path));
    return place.node.kind === "group" ? await runGroup(place, runtime) : await runLeaf(place, place.node, runtime);
  } catch (error) {
    return report(runtime, path, error);
  }
}

async function runGroup(place: Place, runtime: Runtime): Promise<ExitStatus> {
  const { path, rest } = place;
  if (rest.length === 0) {
    await showHelp(place, runtime.stderr);
    return EXIT.usage;
  }
  if (wantsHelp(rest)) return showHelp(place, runtime.stdout);
  if (!rest.some((arg) => arg === "--version" || arg === "-V")) throw misplacedFlag(path, rest[0]!);
  const { verbose } = completeArgs(GROUP_FLAGS, vetArgv(rest, GROUP_FLAGS));
  runtime.stdout.write(`${path[0]} ${runtime.version}\n${verbose ? await details() : ""}`);
  return EXIT.done;
}

/** What it runs on. */
async function details(): Promise<string> {
  const { chooseEngine } = await import("../commands/s3crypt/engine.ts");
  const { messages, chunks } = chooseEngine("auto");
  const ciphers = `secretstream by ${messages.name}, AES-256-GCM by ${chunks.name}`;
  return `bun ${Bun.version}\nplatform ${process.platform} ${process.arch}\nciphers ${ciphers}\n`;
}

async function runLeaf(place: Place, command: Command, runtime: Runtime): Promise<ExitStatus> {
  if (wantsHelp(place.rest)) return showHelp(place, runtime.stdout);
  const invocation = invocationOf(command, vetArgv(place.rest, command.args), runtime);
  const { result } = await runCommand(command.citty, { rawArgs: [], data: invocation });
  return result as ExitStatus;
}

/** True for `--help` or `-h` in front of `--`, whatever else is on the line. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const flags = end === -1 ? args : args.slice(0, end);
  return flags.includes("--help") || flags.includes("-h");
}

async function showHelp({ path, node }: Place, stream: OutputStream): Promise<ExitStatus> {
  const style: HelpStyle = { width: Math.min(stream.columns ?? DEFAULT_WIDTH, WIDEST), color: stream.color };
  stream.write(
    node.kind === "group"
      ? groupHelp(path, node, await summaries(node), style)
      : commandHelp(path, node, style, await summaries(node)),
  );
  return EXIT.done;
}
