/** The pages that show shell blocks, and what a reader of each has before reading it. Asserts nothing. */
import type { Portail } from "../portail.ts";
import type { Scene } from "../scene.ts";
import { mux, muxClient } from "./mux.ts";
import { readme } from "./readme.ts";
import type { Reader } from "./reader.ts";
import { s3crypt, s3cryptServe } from "./s3crypt.ts";
import { socks } from "./socks.ts";
import { acl, audit, check, doctor, status, tokens } from "./tools.ts";
import { tproxy, tproxyDns } from "./tproxy.ts";
import { tunnel } from "./tunnel.ts";

export interface Page {
  /** Programs that its blocks take, beside those of every reader. */
  needs: readonly string[];
  /** A reader whose machine has what the page supposes: servers, names, files. */
  prepare(scene: Scene, portail: Portail): Promise<Reader>;
  /** Blocks that a reader gives a terminal of its own, where they go on until the page is read. */
  terminals?: readonly string[];
  /** Blocks that are not run, and why. */
  unrun?: Readonly<Record<string, string>>;
}

export const PAGES: Readonly<Record<string, Page>> = {
  "README.md": readme,
  "commands/acl/README.md": acl,
  "commands/audit/README.md": audit,
  "commands/check/README.md": check,
  "commands/doctor/README.md": doctor,
  "commands/identity/README.md": tokens,
  "commands/mux/CLIENT.md": muxClient,
  "commands/mux/README.md": mux,
  "commands/s3crypt/README.md": s3crypt,
  "commands/s3crypt/serve/README.md": s3cryptServe,
  "commands/socks/README.md": socks,
  "commands/tproxy/DNS.md": tproxyDns,
  "commands/tproxy/README.md": tproxy,
  "commands/tunnel/README.md": tunnel,
  "docs/AUDIT.md": audit,
  "docs/STATUS.md": status,
};
