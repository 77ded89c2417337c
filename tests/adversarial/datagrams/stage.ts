/** A proxy that relays datagrams, two echoes of which its policy names one, and a client with an association. Asserts nothing. */
import { Associated, type AssociateOptions } from "../../support/associated.ts";
import type { Scene } from "../../support/scene.ts";
import { udpEcho, type UdpEcho } from "../../support/udp-echo.ts";
import { startProxy, type RunningProxy } from "../harness.ts";

export interface DatagramStage {
  /** The policy lets datagrams to it, unless another is given. */
  here: UdpEcho;
  there: UdpEcho;
  /** Runs `body` with a proxy that relays to `here`, and an association. */
  withAssociation(
    body: (client: Associated, proxy: RunningProxy) => Promise<void>,
    options?: AssociateOptions & { acl?: string; flags?: string[] },
  ): Promise<void>;
}

export async function datagramStage(scene: Scene): Promise<DatagramStage> {
  const here = await udpEcho(scene);
  const there = await udpEcho(scene);
  return {
    here,
    there,
    async withAssociation(body, { acl = udpTo(here.port), flags = [], ...options } = {}) {
      const proxy = await startProxy(acl, ["--udp", ...flags]);
      const client = await Associated.open(proxy.port, options);
      here.received.length = there.received.length = 0;
      try {
        await body(client, proxy);
      } finally {
        client.close();
        await proxy.stop();
      }
    },
  };
}

/** A policy for datagrams to these ports of this machine. */
export function udpTo(...ports: number[]): string {
  return `policy udp { when proxy.cmd == "udp_associate" and dest.ip in [127.0.0.0/8, ::1] and port in [${ports.join(", ")}] action allow }`;
}

/** The end of an association: how many datagrams it sent, received and dropped. */
export async function tally(client: Associated, proxy: RunningProxy) {
  client.tcp.destroy();
  return (await proxy.event("close", ({ datagrams }) => datagrams !== undefined)).datagrams!;
}
