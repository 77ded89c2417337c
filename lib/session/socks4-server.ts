/** The server's side of SOCKS4 and SOCKS4a: one request, one reply. Offered only where no users are asked for. */
import { decodeSocks4, encodeSocks4Reply, SOCKS4_COMMAND, SOCKS4_REPLY } from "../wire/socks4.ts";
import { after, concat, Front, type FrontSession, type Step } from "./front.ts";

const REJECTED = encodeSocks4Reply(SOCKS4_REPLY.rejected);

export class Socks4Server extends Front implements FrontSession {
  readonly protocol = "socks4";
  #done = false;

  receive(bytes: Uint8Array): Step[] {
    this.held = concat(this.held, bytes);
    if (this.#done) return [];
    const decoded = decodeSocks4(this.held);
    if (decoded.kind === "more") return [];
    this.#done = true;
    if (decoded.kind === "bad") return [{ type: "fail", reason: decoded.reason, bytes: REJECTED }];
    this.held = after(this.held, decoded.length);
    const { command, host, port } = decoded.value;
    if (this.withUsers) return [{ type: "fail", reason: "SOCKS4 cannot carry a password", bytes: REJECTED }];
    if (command !== SOCKS4_COMMAND.connect) {
      return [{ type: "fail", reason: `command ${command} is not supported`, bytes: REJECTED }];
    }
    return [{ type: "request", request: { protocol: "socks4", host, ip: undefined, port, http: undefined } }];
  }

  authenticated(): Step[] {
    return [];
  }

  accept(): Uint8Array {
    return encodeSocks4Reply(SOCKS4_REPLY.granted);
  }

  refuse(): Uint8Array {
    return REJECTED;
  }
}
