/** Who takes part in the tunnel benchmark: pairs of a client side and a server side. Starts nothing itself. */
import type { PEERS } from "../../../scripts/peer-list.ts";
import { directly, type Contender } from "../support/contender.ts";
import { SERVER_NAME } from "./material.ts";
import {
  haproxyClient,
  haproxyServer,
  hitchServer,
  nginxClient,
  nginxServer,
  stunnelClient,
  stunnelServer,
  type Side,
} from "./sides.ts";

export interface Pair {
  name: string;
  programs?: readonly (keyof typeof PEERS)[];
  note: string;
  client: Side;
  server: Side;
}

const PEER_PAIRS: Pair[] = [
  {
    name: "stunnel",
    programs: ["stunnel4"],
    note: "two processes, a thread per connection",
    client: stunnelClient,
    server: stunnelServer,
  },
  {
    name: "haproxy",
    programs: ["haproxy"],
    note: "two processes in TCP mode, `nbthread 1`",
    client: haproxyClient,
    server: haproxyServer,
  },
  {
    name: "nginx",
    programs: ["nginx", "nginx:ngx_stream_module.so"],
    note: "two processes of its stream module, `master_process off`",
    client: nginxClient,
    server: nginxServer,
  },
  {
    name: "hitch",
    programs: ["hitch", "haproxy"],
    note: "the server side is hitch with one worker beside its main process; the client side is HAProxy as above, since hitch has none that verifies",
    client: haproxyClient,
    server: hitchServer,
  },
];

/** Everyone. `command` starts portail; its words are split at spaces. */
export function pairs(command: string): Contender[] {
  return [contender(portail(command), false), ...PEER_PAIRS.map((pair) => contender(pair, true)), direct];
}

function portail(command: string): Pair {
  const program = command.split(" ").filter((word) => word !== "");
  const side = (name: "client" | "server", more: string[]): Side => {
    return ({ port, to, dir, resume }) => {
      const addresses = ["--listen", `127.0.0.1:${port}`, "--target", `127.0.0.1:${to}`];
      const identity = ["--cert", `${dir}/${name}.pem`, "--key", `${dir}/${name}.key`, "--cacert", `${dir}/ca.pem`];
      const rest = ["--quiet=all", ...(resume ? [] : ["--no-session-resumption"]), ...more];
      return { argv: [...program, "tunnel", name, ...addresses, ...identity, ...rest], files: {} };
    };
  };
  return {
    name: "portail",
    note: "two processes, default limits, no audit sink, `--quiet=all` since the peers do not log either",
    client: side("client", ["--override-server-name", SERVER_NAME]),
    server: side("server", ["--allow-all"]),
  };
}

export function contender({ name, programs = [], note, client, server }: Pair, peer: boolean): Contender {
  return {
    name,
    family: "mTLS",
    via: "none",
    peer,
    programs,
    note,
    setup({ port, targetPort, link, dir }) {
      const far = server({ port: link.listen, to: targetPort, dir, resume: link.resume });
      const near = client({ port, to: link.dial, dir, resume: link.resume });
      return {
        daemons: [
          { argv: far.argv, port: link.listen },
          { argv: near.argv, port },
        ],
        files: { ...far.files, ...near.files },
      };
    },
  };
}

export const direct = directly(
  "no tunnel: what generator and target reach between them on their one core, the ceiling of the bulk and rate rows",
);
