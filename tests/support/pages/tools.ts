/** What readers of the pages of tools have: configurations, tokens, and what a daemon recorded. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ROOT, type Portail } from "../portail.ts";
import type { Scene } from "../scene.ts";
import { until } from "../until.ts";
import { blocksOf } from "./blocks.ts";
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { clone } from "./readme.ts";
import { identity, nginx, trustFile, trustWorld } from "./world.ts";

export const acl: Page = {
  needs: [],
  prepare: (scene, portail) => Reader.open(scene, portail, clone(scene)),
};

export const check: Page = {
  needs: [],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    // That of the page of the multiplexer.
    const page = readFileSync(resolve(ROOT, "commands/mux/README.md"), "utf8");
    await reader.write("mux.toml", blocksOf(page).find(({ kind }) => kind === "file")!.text);
    await trustFile(reader, "people-ca.pem");
    const folder = "/etc/portail/tunnel-server";
    await reader.write(`${folder}/web.toml`, WEB);
    await trustFile(reader, `${folder}/ca.pem`);
    for (const name of ["server", `${folder}/server`])
      await identity(reader, [`${name}.pem`, `${name}.key`], { cn: "server", san: ["DNS:intranet.example.com"] });
    return reader;
  },
};

const WEB = `listen = ":8443"
target = "localhost:8080"
cert = "/etc/portail/tunnel-server/server.pem"
key = "/etc/portail/tunnel-server/server.key"
cacert = "/etc/portail/tunnel-server/ca.pem"
allow-cn = "alice"
`;

export const tokens: Page = {
  needs: ["pkcs11-tool", "softhsm2-util"],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    await reader.must(["mkdir", "-p", "/var/lib/softhsm/tokens"]);
    return reader;
  },
};

/** Of a proxy that had something to deny and to allow. */
export const doctor: Page = {
  needs: [],
  prepare: (scene, portail) => Reader.open(scene, portail),
};

export const status: Page = {
  needs: [],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    await reader.names({ "proxy.example": "10.0.0.7" });
    await trustWorld(reader);
    for (const file of ["people.pem", "admins.pem"]) await trustFile(reader, file);
    await identity(reader, ["proxy.pem", "proxy-key.pem"], { cn: "proxy", san: ["DNS:proxy.example"] });
    await identity(reader, ["me.pem", "me-key.pem"], { cn: "me", ou: ["Operations"], san: [] });
    await reader.write("proxy.acl", "policy web { when port == 443 action allow }\n");
    return reader;
  },
};

export const audit: Page = {
  needs: ["journalctl", "nginx"],
  async prepare(scene, portail) {
    return recorded(scene, portail);
  },
};

async function recorded(scene: Scene, portail: Portail): Promise<Reader> {
  const reader = await Reader.open(scene, portail);
  await reader.names({
    "www.example.com": "203.0.113.10",
    "tracker.example": "203.0.113.10",
    "proxy.here": "10.0.0.1",
  });
  await nginx(
    reader,
    "web",
    "server { listen 203.0.113.10:80; listen 203.0.113.10:22; location / { return 200 web; } }",
  );
  await reader.must(["mkdir", "-p", "/var/log/portail", "/run/systemd/journal", "/run/log/journal"]);
  await reader.serve(["unshare", "--user", "--map-root-user", "/lib/systemd/systemd-journald"]);
  const policy = scene.write(
    "out.acl",
    'policy web { when host under "example.com" and port in [80, 22] action allow }\n',
  );
  for (const [port, place] of Object.entries({ 1080: "/var/log/portail/socks.jsonl", 1081: "journald:" })) {
    const listen = ["--listen", `10.0.0.1:${port}`, "--unsafe-listen"];
    await reader.serve(["portail", "socks", ...listen, "--acl", policy, "--audit", place]);
    for (const url of ["www.example.com/", "www.example.com:22/", "tracker.example/"]) {
      const proxy = `socks5h://10.0.0.1:${port}`;
      const { status } = await reader.run(["curl", "--interface", "10.0.0.1", "--proxy", proxy, "--http0.9", url]);
      if ((status === 0) !== url.startsWith("www")) throw new Error(`curl ${url} through ${proxy}: status ${status}`);
    }
  }
  await until("the journal to have it", async () =>
    (await reader.run(["journalctl", "-o", "cat", "PORTAIL_DECISION=deny"])).stdout.includes("tracker.example"),
  );
  return reader;
}
