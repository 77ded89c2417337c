/** `portail tunnel`: mutual TLS for any TCP service. */
import { defineGroup } from "../../lib/command/define.ts";

export default defineGroup({
  meta: { name: "tunnel", description: "Mutual TLS around any TCP service, as ghostunnel does" },
  commands: {
    server: () => import("./server.ts").then((module) => module.default),
    client: () => import("./client.ts").then((module) => module.default),
  },
  // ghostunnel's flags that both sides have may stand in front of the side.
  early: () => import("./flags.ts").then(({ clientArgs, serverArgs }) => ({ ...serverArgs, ...clientArgs })),
});
