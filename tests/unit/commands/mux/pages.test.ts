/** The command lines and the file that the pages of the command show: each is understood as it stands. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connectArgs, execArgs, forwardArgs } from "../../../../commands/mux/client-flags.ts";
import { parseListening, parseServer } from "../../../../commands/mux/client-settings.ts";
import { planProgram } from "../../../../commands/mux/program.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import type { ArgDefinitions, ParsedArgs } from "../../../../lib/command/define.ts";

const page = (name: string) => readFileSync(new URL(`../../../../commands/mux/${name}`, import.meta.url), "utf8");
const LINES = [page("README.md"), page("CLIENT.md")].flatMap((text) =>
  [...text.matchAll(/^(?: *ProxyCommand )?portail mux (connect|forward|exec) (.*?)(?: &)?$/gm)].map(
    // Which ssh fills in.
    ([, command, rest]) => [command!, rest!.replace("%h", "host.example")] as const,
  ),
);

function parsed<T extends ArgDefinitions>(args: T, line: string): ParsedArgs<T> {
  return completeArgs(args, vetArgv(line.split(" "), args)) as ParsedArgs<T>;
}

const UNDERSTOOD: Record<string, (line: string) => unknown> = {
  connect: (line) => parseServer(parsed(connectArgs, line), {}),
  forward: (line) => parseListening(parsed(forwardArgs, line), {}).listen[0],
  exec: (line) => {
    const args = parsed(execArgs, line);
    const settings = parseListening(args, {});
    return planProgram(args, settings.listen);
  },
};

test("there are some of each", () => {
  expect(new Set(LINES.map(([command]) => command))).toEqual(new Set(["connect", "forward", "exec"]));
  expect(LINES.length).toBeGreaterThan(10);
});

test.each(LINES)("portail mux %s %s", (command, line) => expect(UNDERSTOOD[command]!(line)).toBeDefined());
