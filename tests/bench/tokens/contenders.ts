/** Who takes part in the benchmark of keys in tokens: server sides that share one client side, HAProxy's. Starts nothing itself. */
import { MODULE, PIN } from "../../support/softhsm.ts";
import type { Contender } from "../support/contender.ts";
import { contender, direct } from "../tunnel/pairs.ts";
import { haproxyClient, stunnelServer, stunnelServerWithEngine, type Side } from "../tunnel/sides.ts";

/** How the program with the key in a token is called in the tables. */
export const SUBJECT = "portail";

/** Where the key of the server is. */
export interface TokenPlace {
  /** What a program needs to see the token. */
  env: Readonly<Record<string, string>>;
  /** For portail, with where the PIN is. */
  uri: string;
  /** For the engine, which is told module and PIN apart. */
  bareUri: string;
}

/** `command` starts portail; its words are split at spaces. */
export function tokenContenders(command: string, { env, uri, bareUri }: TokenPlace): Contender[] {
  const program = command.split(" ").filter((word) => word !== "");
  const portail =
    (identity: (dir: string) => string[]): Side =>
    ({ port, to, dir }) => {
      const addresses = ["--listen", `127.0.0.1:${port}`, "--target", `127.0.0.1:${to}`];
      const who = ["--cacert", `${dir}/ca.pem`, "--allow-all", "--no-session-resumption", "--quiet=all"];
      return { argv: [...program, "tunnel", "server", ...addresses, ...identity(dir), ...who], files: {} };
    };
  const withToken =
    (side: Side): Side =>
    (plan) => {
      const { argv, files } = side(plan);
      return { argv: ["env", ...Object.entries(env).map((pair) => pair.join("=")), ...argv], files };
    };
  const pair = (name: string, server: Side, note: string, programs: Contender["programs"] = []) =>
    contender({ name, programs: ["haproxy", ...programs], note, client: haproxyClient, server }, name !== SUBJECT);
  const engine = stunnelServerWithEngine({ module: MODULE, pin: PIN, key: bareUri });
  return [
    pair(
      SUBJECT,
      withToken(portail(() => ["--keystore", uri])),
      "its key in SoftHSM; the system's OpenSSL, and a process apart that signs",
      ["softhsm2-util", "pkcs11-tool"],
    ),
    pair(
      "portail-in-memory",
      portail((dir) => ["--cert", `${dir}/server.pem`, "--key", `${dir}/server.key`]),
      "the same program with the TLS of its runtime",
    ),
    pair(
      "stunnel-engine",
      withToken(engine),
      "its key in the same token, by the PKCS#11 engine of OpenSSL, in its own process",
      ["stunnel4", "lib:engines-3/pkcs11.so"],
    ),
    pair("stunnel-in-memory", stunnelServer, "the same program with its key in a file", ["stunnel4"]),
    direct,
  ];
}
