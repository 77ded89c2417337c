/** What a reader of the page of the access proxy has: the web, certificates, and a folder for sockets. */
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { identity, openWebOf, trustFile } from "./world.ts";

export const socks: Page = {
  needs: ["nginx"],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    await openWebOf(reader, { "example.org": "203.0.113.10" });
    await reader.names({ "proxy.here": "192.0.2.7", "git.corp.example": "203.0.113.11" });
    await Promise.all([trustFile(reader, "ca.pem"), trustFile(reader, "people.pem")]);
    await identity(reader, ["proxy.pem", "proxy.key"], { cn: "proxy", san: ["IP:192.0.2.7"] });
    await identity(reader, ["me.pem", "me.key"], { cn: "me", san: [] });
    await reader.must(["mkdir", "/run/portail"]);
    return reader;
  },
};
