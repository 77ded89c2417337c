/** `portail mux exec`: a plain local address for one program, from its start to its end, with nothing left behind. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import { runForProgram } from "../../lib/service/for-program.ts";
import type { WrapSettings } from "../../lib/service/wrap-settings.ts";
import { execArgs } from "./client-flags.ts";
import { parseListening } from "./client-settings.ts";
import { planProgram, type PlannedProgram } from "./program.ts";
import { configureCalmLog, openWrap, wrapExits } from "./wrap.ts";

export default defineCommand({
  meta: {
    name: "exec",
    description: "Run a program with a local address that leads to what a server routes by name and protocol id",
    long: `The address is there as long as the program runs, and the program's exit status is the command's. PostgreSQL's programs
learn it by their environment, those of MySQL, MongoDB and Kubernetes by arguments; for any other write {host} and {port},
or {socket}, into its arguments or into --env. A program that was told in neither way is not started.

Without --listen the address is a socket in a folder that only this user can enter, where the program can use one; else it is
a port of 127.0.0.1, which everybody on this machine can reach as long as the program runs.`,
    examples: [
      {
        command: "portail mux exec gate.example.com --server-name db.example.com --alpn postgresql -- psql -U me shop",
        description: "psql, by a socket of its own",
      },
      {
        command: "portail mux exec gate.example.com --alpn redis --env URL=redis://{host}:{port} -- ./worker",
        description: "Any program, by a setting of its environment",
      },
    ],
    exits: [
      ...wrapExits,
      { status: EXIT.unavailable, meaning: "the program is not there" },
      { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
    ],
  },
  args: execArgs,
  async run({ args, data }) {
    configureCalmLog(data, args);
    const settings = parseListening(args);
    return await inPlace(planProgram(args, settings.listen), settings, data);
  },
});

/** Runs it where it is to find its server, and takes that away again. */
async function inPlace(planned: PlannedProgram, settings: WrapSettings, runtime: Runtime): Promise<number> {
  const run = async (listen: readonly Endpoint[]) => {
    const wrap = await openWrap(runtime, { ...settings, listen });
    return runForProgram(planned.command(listen), wrap, runtime);
  };
  if (planned.socket === undefined) return run(settings.listen.length > 0 ? settings.listen : [ANY_PORT]);
  const folder = mkdtempSync(join(tmpdir(), "portail-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    return await run([parseEndpoint(`unix:${join(folder, planned.socket)}`, "--listen")]);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

const ANY_PORT = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
