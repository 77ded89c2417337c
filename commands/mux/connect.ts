/** `portail mux connect`: one connection to a server that routes, on standard input and output. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { Unreached } from "../../lib/net/upstream.ts";
import { carryStdio, stdioStatus } from "../../lib/service/carry-stdio.ts";
import { connectArgs } from "./client-flags.ts";
import { parseServer } from "./client-settings.ts";
import { configureCalmLog, openWrap, unreachedError, wrapExits } from "./client-wrap.ts";

export default defineCommand({
  meta: {
    name: "connect",
    description: "Connect standard input and output to what a server routes by name and protocol id",
    long: `The connection is wrapped in TLS. --server-name is what is asked for and what the server's certificate must be for;
without it that is the host of SERVER. Where --alpn is given, the server must agree to one of its ids: it routes by them,
and one that says nothing may have led the connection elsewhere.

As the ProxyCommand of ssh, %h may travel as the server name, so that one address leads to many hosts.`,
    examples: [
      {
        command: "portail mux connect gate.example.com:443 --server-name %h --alpn ssh",
        description: "As the ProxyCommand of ssh, for hosts behind one gate",
      },
      {
        command: "portail mux connect gate.example.com:443 --alpn h2,http/1.1 --keystore me.p12",
        description: "Offer two protocols, with a client certificate",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "both sides have ended by themselves" },
      ...wrapExits,
      { status: EXIT.unavailable, meaning: "the server was not reached, or is not who it should be" },
      { status: EXIT.io, meaning: "the connection broke off, or was cut" },
    ],
  },
  args: connectArgs,
  async run({ args, data }) {
    configureCalmLog(data, args);
    const wrap = await openWrap(data, parseServer(args, data.env));
    const end = await carryStdio(data, wrap);
    if (end instanceof Unreached) throw unreachedError(args.server, end);
    return stdioStatus(end);
  },
});
