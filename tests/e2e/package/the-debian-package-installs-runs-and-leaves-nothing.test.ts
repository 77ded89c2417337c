/** The Debian package in a fresh Debian: installed by its dpkg, daemons that serve, removed without a trace; and before lintian. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { curl } from "../../support/curl.ts";
import { BOOTSTRAPPING, DebianRoot } from "../../support/debian-root.ts";
import { needing } from "../../support/needs.ts";
import { MAKING, packages } from "../../support/packages.ts";
import { authority, save } from "../../support/pki.ts";
import { run, type Program } from "../../support/program.ts";
import { Scene } from "../../support/scene.ts";
import { openWeb } from "../../support/web.ts";

const NEEDS = ["debootstrap", "dpkg-deb", "lintian", "unshare", "curl"];
const UNIT = "lib/systemd/system/portail-socks@.service";
const WANTS = "etc/systemd/system/multi-user.target.wants";
const sentence = basename(import.meta.file, ".test.ts").replaceAll("-", " ");

needing(sentence, [...NEEDS, ...(process.getuid?.() === 0 ? [] : ["root"])], () => {
  setDefaultTimeout(BOOTSTRAPPING + MAKING);
  const scene = new Scene();
  afterAll(() => scene.close());
  let deb = "";
  let debian: DebianRoot;
  let fresh: string[] = [];

  beforeAll(async () => {
    const folder = await packages();
    deb = join(
      folder,
      readdirSync(folder).find((name) => name.endsWith(".deb"))!,
    );
    debian = await DebianRoot.open(scene);
    mkdirSync(join(debian.folder, WANTS), { recursive: true });
    fresh = await debian.inventory();
  });

  test("lintian finds no error", async () => {
    const { status, stdout } = await run(["lintian", "--allow-root", "--fail-on=error", deb], { patience: MAKING });
    expect({ status, errors: stdout.match(/^E: .*/gm) }).toEqual({ status: 0, errors: null });
  });

  test("it installs", async () => {
    copyFileSync(deb, join(debian.folder, "tmp/portail.deb"));
    const { status, stderr } = await debian.run(["dpkg", "--install", "/tmp/portail.deb"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { stdout } = await debian.run(["portail", "--version"]);
    expect(stdout).toMatch(/^portail \d+\.\d+\.\d+\n$/);
    expect((await debian.run(["dpkg", "--verify", "portail"])).stdout).toBe("");
    const installed = (await debian.inventory()).map((line) => line.split(" ")[4]);
    for (const path of ["share/bash-completion/completions/portail", "share/man/man1/portail.1.gz", UNIT])
      expect(installed).toContain(`./usr/${path}`);
  });

  test("a tunnel server runs there", async () => {
    const web = openWeb(scene, () => new Response("hello"));
    const ca = authority();
    const server = save(scene, "server", ca.issue());
    const alice = save(scene, "alice", ca.issue({ cn: "alice" }));
    const inside = join(debian.folder, "tmp");
    copyFileSync(server.cert, join(inside, "server.pem"));
    copyFileSync(server.key, join(inside, "server.key"));
    writeFileSync(join(inside, "ca.pem"), ca.cert);
    const identity = ["--cert", "/tmp/server.pem", "--key", "/tmp/server.key", "--cacert", "/tmp/ca.pem"];
    const places = ["--listen", "127.0.0.1:0", "--target", `127.0.0.1:${web.port}`];
    const tunnel = debian.start(["portail", "tunnel", "server", ...places, ...identity, "--allow-cn", "alice"]);
    const url = `https://localhost:${await portOf(tunnel)}/`;
    const trust = ["--cacert", join(inside, "ca.pem")];
    const answer = await curl([...trust, "--cert", alice.cert, "--key", alice.key, url]);
    expect(answer).toMatchObject({ status: 0, stdout: "hello" });
    expect((await curl([...trust, url])).status).not.toBe(0);
  });

  test("an access proxy runs there", async () => {
    const web = openWeb(scene, () => new Response("hello"));
    const policy = `policy one { when dest.ip in [127.0.0.0/8] and port == ${web.port} action allow }\n`;
    writeFileSync(join(debian.folder, "tmp/one.acl"), policy);
    const proxy = debian.start(["portail", "socks", "--listen", "127.0.0.1:0", "--acl", "/tmp/one.acl"]);
    const through = ["--proxy", `socks5h://127.0.0.1:${await portOf(proxy)}`];
    const answer = await curl([...through, `http://127.0.0.1:${web.port}/`]);
    expect(answer).toMatchObject({ status: 0, stdout: "hello" });
    expect((await curl([...through, "http://127.0.0.1:1/"])).status).not.toBe(0);
  });

  test("its removal leaves nothing, nor what was enabled", async () => {
    symlinkSync(`/usr/${UNIT}`, join(debian.folder, WANTS, "portail-socks@out.service"));
    const { status, stderr } = await debian.run(["dpkg", "--purge", "portail"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(await debian.inventory()).toEqual(fresh);
    expect((await debian.run(["dpkg-query", "--show", "portail"])).status).toBe(1);
  });
});

async function portOf(daemon: Program): Promise<number> {
  const [, port] = await daemon.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
  return Number(port);
}
