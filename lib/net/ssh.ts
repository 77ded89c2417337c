/** One SSH connection, of the system's OpenSSH with the user's own configuration, that carries all tunnels to its host. */
import type { Refusal } from "../session/front.ts";
import type { ProxyTarget } from "../session/outbound-proxy.ts";
import type { BackendUrl } from "./backend-url.ts";
import type { BackendTools } from "./backend.ts";
import type { Conn } from "./conn.ts";

/** Why there is no tunnel: SSH itself does not work (`broken`), or its host says so of the target. */
export interface SshFailure {
  reason: "broken" | Refusal;
  message: string;
}

export interface SshMaster {
  open(target: ProxyTarget): Promise<Conn | SshFailure>;
  close(): void;
}

export function openSshMaster(_url: Extract<BackendUrl, { kind: "ssh" }>, _tools: BackendTools): SshMaster {
  throw new Error("to come");
}
