/** `portail mux exec`: a plain local address for one program, from its start to its end, with nothing left behind. */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import type { SocketAddress } from "../../lib/net/conn.ts";
import { parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import { runForProgram, type Listening } from "../../lib/service/for-program.ts";
import type { LocalWrap } from "../../lib/service/local-wrap.ts";
import { makeSocketFolder, removeLeftFolders } from "../../lib/service/socket-folder.ts";
import { execArgs } from "./client-flags.ts";
import { parseListening } from "./client-settings.ts";
import { planProgram, type PlannedProgram } from "./program.ts";
import { configureCalmLog, openWrap, wrapExits } from "./client-wrap.ts";

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
        command:
          "portail mux exec gate.example.com:443 --server-name db.example.com --alpn postgresql -- psql -U me shop",
        description: "psql, by a socket of its own",
      },
      {
        command: "portail mux exec gate.example.com:443 --alpn redis --env URL=redis://{host}:{port} -- ./worker",
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
    const settings = parseListening(args, data.env);
    const planned = planProgram(args, settings.listen);
    const served = new Served(await openWrap(data, settings), planned);
    return await runForProgram(() => planned.command(served.endpoints), served, data);
  },
});

const ANY_PORT: Endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 };

/** The wrap, where the program is to find it. */
class Served implements Listening {
  endpoints: readonly Endpoint[];
  readonly #wrap: LocalWrap;
  readonly #socket: string | undefined;
  #folder: string | undefined;
  readonly #removeFolder = () => {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  };

  constructor(wrap: LocalWrap, { socket }: PlannedProgram) {
    const { listen } = wrap.settings;
    this.#wrap = wrap;
    this.#socket = socket;
    this.endpoints = listen.length > 0 ? listen : [ANY_PORT];
  }

  get places(): readonly SocketAddress[] {
    return this.#wrap.places;
  }

  async listen(): Promise<void> {
    if (this.#socket !== undefined) {
      await removeLeftFolders(tmpdir(), Date.now());
      // For a crash: nobody else would.
      process.once("exit", this.#removeFolder);
      this.#folder = makeSocketFolder(tmpdir());
      this.endpoints = [parseEndpoint(`unix:${join(this.#folder, this.#socket)}`, "--listen")];
    }
    await this.#wrap.listen(this.endpoints);
  }

  drain(): Promise<void> {
    return this.#wrap.drain();
  }

  cut(): void {
    this.#wrap.cut();
  }

  close(): Promise<void> {
    process.off("exit", this.#removeFolder);
    this.#removeFolder();
    return Promise.resolve();
  }
}
