/** What `portail mux exec` is to run, and how the program learns where its server is. Starts nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { parseChoice } from "../../lib/command/values.ts";
import type { Endpoint } from "../../lib/net/endpoint.ts";
import { ChildCommand } from "../../lib/service/child.ts";
import type { execArgs } from "./client-flags.ts";
import { presetOf, PRESETS, type Place } from "./presets.ts";

export interface PlannedProgram {
  /** The name of the socket in a folder of its own by which it is served; undefined is a port, or what --listen says. */
  socket: string | undefined;
  /** The command line for a server at these endpoints. */
  command(listen: readonly Endpoint[]): ChildCommand;
}

/** `listen` is where it was told to listen, if anywhere. Throws `PortailError` (64) for a program that nobody tells where to connect. */
export function planProgram(
  given: Pick<ParsedArgs<typeof execArgs>, "command" | "env" | "preset">,
  listen: readonly Endpoint[],
): PlannedProgram {
  const [program = "", ...args] = given.command;
  // Which kind they are shows when they are opened, and the program would be told of nothing.
  if (listen.some(({ kind }) => kind !== "tcp" && kind !== "unix"))
    throw usage("usage.value", "--listen: sockets that were passed are for no program", "give HOST:PORT or unix:PATH");
  const plain = new ChildCommand(given.command, given.env, "--env");
  const choice = given.preset === undefined ? undefined : parseChoice("--preset", given.preset, CHOICES);
  const own = (name: string) => (listen.length === 0 ? name : undefined);
  if (plain.mentions.size > 0) {
    const socket = plain.mentions.has("socket") && !plain.mentions.has("port") ? own("socket") : undefined;
    refuseUnserved(plain, listen, socket);
    return { socket, command: () => plain };
  }
  if (choice === "none") return { socket: undefined, command: () => plain };
  const preset = choice === undefined ? presetOf(program) : PRESETS[choice];
  if (preset === undefined)
    throw usage(
      "mux.program_untold",
      `nothing tells ${JSON.stringify(program)} where to connect`,
      "write {host} and {port}, or {socket}, into its arguments or into --env, or say how with --preset",
    );
  const tell = (place: Place) => {
    const told = preset.tell(args, place);
    return new ChildCommand([program, ...told.args], [...told.env, ...given.env], "--env");
  };
  // What the preset cannot do with these is said before anything is opened.
  if (listen.length > 0) tell(placeOf(listen));
  return {
    socket: preset.socket === undefined ? undefined : own(preset.socket),
    command: (endpoints) => tell(placeOf(endpoints)),
  };
}

const CHOICES = ["psql", "mysql", "mongosh", "kubectl", "none"] as const;

/** The program would get an empty word, and go wherever that leads. */
function refuseUnserved({ mentions }: ChildCommand, listen: readonly Endpoint[], socket: string | undefined): void {
  const hasSocket = socket !== undefined || listen.some(({ kind }) => kind === "unix");
  const hasPort = socket === undefined && (listen.length === 0 || listen.some(({ kind }) => kind === "tcp"));
  if (mentions.has("socket") && !hasSocket)
    throw usage("mux.no_socket", "{socket} stands for no socket", "give --listen unix:PATH as well");
  if ((mentions.has("host") || mentions.has("port")) && !hasPort)
    throw usage("mux.no_port", "{host} and {port} stand for no port", "give --listen 127.0.0.1:0 as well");
}

function placeOf(listen: readonly Endpoint[]): Place {
  const unix = listen.find((endpoint) => endpoint.kind === "unix");
  const tcp = listen.some(({ kind }) => kind === "tcp");
  return tcp || unix === undefined ? "tcp" : { socket: unix.path };
}
