/** Backends behind a real sshd: every front, names of the far end, what PermitOpen forbids, ends, deaths, and nothing left of it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { ask, askMeanwhile, FRONTS, type Front } from "../../support/fronts.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd, type Sshd } from "../../support/sshd.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

const SIZE = 16 * 1024 * 1024;

/** Command lines of all processes by id. */
function processes(): Map<number, string> {
  const ids = readdirSync("/proc").map(Number).filter(Boolean);
  const lines = ids.flatMap((id): [number, string][] => {
    try {
      return [[id, readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ")]];
    } catch {
      return [];
    }
  });
  return new Map(lines);
}

function parentOf(id: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}

scenario(import.meta.file, ["curl", "ssh", "ssh-keygen", "sshd"], ({ scene, portail }) => {
  let web: Web;
  let sshd: Sshd;
  let strict: Sshd;
  let runtime: string;
  let configs = 0;
  beforeAll(async () => {
    web = openWeb(scene);
    sshd = await openSshd(scene);
    strict = await openSshd(scene, { PermitOpen: "127.0.0.1:1" });
    runtime = scene.mkdir("run");
  });

  const backend = (name: string, config: string, target = "ssh://bastion") =>
    `[backend.${name}]\ntarget = "${target}"\nssh-config = ${JSON.stringify(config)}\n`;
  const proxyWith = (tables: string, names: string[], ...args: string[]) => {
    const config = scene.write(`ssh-${++configs}.toml`, tables);
    const policy = `route all { use ${JSON.stringify(names)} }\npolicy named { when route.local == false and host in ["localhost", "nobody.invalid"] action allow }\npolicy via { when route.local == false and dest.ip in [127.0.0.0/8] action allow }\n`;
    return portail.socks({ policy, args: ["--config", config, ...args], env: { XDG_RUNTIME_DIR: runtime } });
  };
  const get = (proxy: AccessProxy, way: Front, url = `http://127.0.0.1:${web.port}/hello`) => ask(proxy, way, url);
  const folders = () => readdirSync(runtime);
  /** Processes that have to do with a control socket of ours. */
  const left = () => [...processes()].filter(([, line]) => line.includes(runtime));
  const nothingLeft = () =>
    until(
      () => `nothing left of ${JSON.stringify([left(), folders()])}`,
      () => left().length + folders().length === 0,
    );
  const client = () => left().find(([, line]) => line.startsWith("/usr/bin/ssh") || /^\S*ssh -v/.test(line))?.[0];

  describe("one connection", () => {
    let proxy: AccessProxy;
    beforeAll(async () => void (proxy = await proxyWith(backend("bastion", sshd.config), ["bastion"])));

    test.each(FRONTS)("%s", async (_, way) => {
      expect(await get(proxy, way)).toMatchObject({ status: 0, stdout: "hello from the web\n" });
      expect(await proxy.record("close")).toMatchObject({ backend: "bastion" });
    });

    test.each(FRONTS)("%s: a name is resolved at the far end", async (_, way) => {
      expect((await get(proxy, way, `http://localhost:${web.port}/hello`)).status).toBe(0);
      proxy.forget();
      expect((await get(proxy, [...way, "--fail"], "http://nobody.invalid/")).status).not.toBe(0);
      const close = await proxy.record("close", ({ target }) => target === "nobody.invalid:80");
      expect(close).toMatchObject({ reason: "name_not_found", tried: [{ backend: "bastion" }] });
    });

    test.each(FRONTS)("%s: a target that refuses", async (_, way) => {
      const port = freePort();
      expect((await get(proxy, [...way, "--fail"], `http://127.0.0.1:${port}/`)).status).not.toBe(0);
      const close = await proxy.record("close", ({ target }) => target === `127.0.0.1:${port}`);
      expect(close).toMatchObject({ reason: "refused", tried: [{ backend: "bastion" }] });
    });

    test("16 MiB each way, byte for byte", async () => {
      const file = scene.write("bulk", content(SIZE));
      const sent = await curl(["--proxy", proxy.url("socks5h"), "-T", file, `http://127.0.0.1:${web.port}/digest`]);
      expect(sent.stdout).toBe(digest(content(SIZE)));
      const got = scene.path("got");
      await get(proxy, ["socks5h", "-o", got], `http://127.0.0.1:${web.port}/bytes/${SIZE}`);
      expect(digest(readFileSync(got))).toBe(digest(content(SIZE)));
    });

    test("ours ends by itself, the end of the far one comes whole, and the server may speak first", async () => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        let heard = "";
        socket.write("welcome\n");
        socket.on("data", (chunk) => {
          heard += String(chunk);
          if (heard === "you first") socket.end("bye\n");
        });
        socket.on("end", () => socket.writableEnded || socket.end(`heard ${heard}\n`));
        socket.on("error", () => {});
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      scene.defer(() => server.close());
      const { port } = server.address() as AddressInfo;
      const mine = await tunnel(proxy, port);
      await until("the welcome", () => mine.text().includes("welcome\n"));
      mine.socket.end("all I have");
      await until("the answer behind my end", () => mine.text().endsWith("heard all I have\n") && mine.ended());
      const theirs = await tunnel(proxy, port);
      theirs.socket.write("you first");
      await until("their end", () => theirs.text().endsWith("bye\n") && theirs.ended());
      // OpenSSH takes nothing more from here; that we end too is in order.
      theirs.socket.end();
      const close = await proxy.record("close", ({ sent }) => sent === "you first".length);
      expect(close).toMatchObject({ reason: "upstream", received: "welcome\nbye\n".length });
      expect(close.error).toBeUndefined();
    });

    test("a target that sends much and closes at once loses nothing", async () => {
      const server = createServer((socket) => void socket.on("error", () => {}).end(content(SIZE)));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      scene.defer(() => server.close());
      const theirs = await tunnel(proxy, (server.address() as AddressInfo).port);
      await until("the end", () => theirs.ended());
      expect(digest(Buffer.from(theirs.text(), "latin1"))).toBe(digest(content(SIZE)));
      theirs.socket.end();
    });

    test("weakness 6.3.4: a hundred tunnels at once, all in one connection, and they end when their clients leave", async () => {
      let open = 0;
      const server = createServer((socket) => {
        open++;
        socket.on("error", () => {}).on("close", () => open--);
        socket.pipe(socket);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      scene.defer(() => server.close());
      const { port } = server.address() as AddressInfo;
      const all = await Promise.all(Array.from({ length: 100 }, () => tunnel(proxy, port)));
      all.forEach(({ socket }, i) => socket.write(`number ${i}`));
      await until("all echoes", () => all.every(({ text }, i) => text() === `number ${i}`));
      expect(open).toBe(100);
      expect(folders().length).toBe(1);
      for (const { socket } of all) socket.destroy();
      await until("no tunnel", () => open === 0);
    });

    test("killed, it breaks a stream of unknown length: nobody takes half of it for all", async () => {
      const server = createServer((socket) => void socket.on("error", () => {}).write("half"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      scene.defer(() => server.close());
      const { port } = server.address() as AddressInfo;
      const mine = await tunnel(proxy, port);
      await until("the half", () => mine.text() === "half");
      process.kill(client()!, "SIGKILL");
      const close = await proxy.record("close", ({ target }) => target === `127.0.0.1:${port}`);
      expect(close.error).toContain("SSH connection closed the tunnel");
      expect(mine.ended()).toBe(false);
    });

    test("killed, it breaks its tunnels, and is started anew", async () => {
      web.hold();
      const got = get(proxy, ["socks5h"], `http://127.0.0.1:${web.port}/halves/${SIZE}`);
      await until("a request", () => web.requests.at(-1)?.path === `/halves/${SIZE}`);
      process.kill(client()!, "SIGKILL");
      expect((await got).status).not.toBe(0);
      web.release();
      expect((await get(proxy, ["socks5h"])).status).toBe(0);
      await until("the folder of the first is gone", () => folders().length === 1);
    });

    test("nothing is left after SIGTERM", async () => {
      expect(left().length).toBeGreaterThan(0);
      await proxy.stop();
      await nothingLeft();
    });
  });

  test.each([
    ["", () => {}],
    [", of an SSH that hears no signal but that one either", () => process.kill(client()!, "SIGSTOP")],
  ])("nothing is left after SIGKILL%s", async (_, before) => {
    const proxy = await proxyWith(backend("bastion", sshd.config), ["bastion"]);
    expect((await get(proxy, ["socks5h"])).status).toBe(0);
    expect(left().length).toBeGreaterThan(0);
    before();
    await proxy.program.kill();
    await nothingLeft();
  });

  test.each(FRONTS)("%s: what PermitOpen forbids is final", async (_, way) => {
    const proxy = await proxyWith(backend("strict", strict.config) + backend("other", sshd.config), [
      "strict",
      "other",
    ]);
    expect((await get(proxy, [...way, "--fail"])).status).not.toBe(0);
    expect(await proxy.record("close")).toMatchObject({ reason: "denied", tried: [{ backend: "strict" }] });
    await proxy.stop();
  });

  test.each([
    ["nobody listens", () => sshd.config, () => `ssh://bastion:${freePort()}`, /Connection refused/],
    [
      "the host key is another",
      () =>
        scene.write(
          "no-host",
          readFileSync(sshd.config, "utf8").replace(/UserKnownHostsFile=.*/, "UserKnownHostsFile=/dev/null"),
        ),
      () => "ssh://bastion",
      /Host key verification failed/,
    ],
    [
      "the user is not let in",
      () =>
        scene.write("no-key", readFileSync(sshd.config, "utf8").replace(/IdentityFile=.*/, "IdentityFile=/dev/null")),
      () => "ssh://bastion",
      /Permission denied/,
    ],
  ])("where %s the next one serves, and nothing is left", async (_, config, target, why) => {
    const proxy = await proxyWith(backend("first", config(), target()) + backend("second", sshd.config), [
      "first",
      "second",
    ]);
    expect(await get(proxy, ["socks5h"])).toMatchObject({ status: 0, stdout: "hello from the web\n" });
    const { tried } = await proxy.record("close");
    expect(tried).toMatchObject([{ backend: "first", error: expect.stringMatching(why) }]);
    await proxy.stop();
    await nothingLeft();
  });

  test("a host that accepts and says nothing is given up, and the next one serves", async () => {
    const server = createServer((socket) => void socket.on("error", () => {}));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    scene.defer(() => server.close());
    const { port } = server.address() as AddressInfo;
    const tables = backend("mute", sshd.config, `ssh://bastion:${port}`) + backend("second", sshd.config);
    const proxy = await proxyWith(tables, ["mute", "second"], "--connect-timeout", "1s");
    expect((await get(proxy, ["socks5h"])).status).toBe(0);
    expect((await proxy.record("close")).tried).toMatchObject([
      { backend: "mute", error: expect.stringContaining("1000 ms") },
    ]);
    await proxy.stop();
    await nothingLeft();
  });

  test("when the server dies under load the next one serves", async () => {
    const dying = await openSshd(scene);
    const proxy = await proxyWith(backend("dying", dying.config) + backend("second", sshd.config), ["dying", "second"]);
    const codes = await askMeanwhile(proxy, `http://127.0.0.1:${web.port}/hello`, async () => {
      await until(
        "requests through the first",
        () => web.requests.length > 0 && proxy.audit().filter((line) => line.event === "close").length >= 9,
      );
      const family = [...processes().keys()].filter(
        (id) => id === dying.pid || parentOf(id) === dying.pid || parentOf(parentOf(id)) === dying.pid,
      );
      for (const id of family) process.kill(id, "SIGKILL");
      await until(
        "requests through the second",
        () => proxy.audit().filter((line) => line.event === "close" && line.backend === "second").length >= 9,
      );
    });
    expect(codes.filter((code) => code !== 0).length).toBeLessThanOrEqual(FRONTS.length);
    await proxy.stop();
    await nothingLeft();
  });

  test("ssh-config is for ssh alone", async () => {
    const config = scene.write("bad.toml", '[backend.a]\ntarget = "http://x:1"\nssh-config = "y"\n');
    const flags = ["--listen", "127.0.0.1:0", "--acl", "builtin:sample", "--config", config];
    const outcome = await portail.run(["socks", ...flags]);
    expect(outcome).toMatchObject({ status: 78, stderr: expect.stringContaining("ssh-config is for ssh://") });
  });
});

/** A tunnel by CONNECT, past the head of the answer. */
async function tunnel(proxy: AccessProxy, port: number) {
  const socket: Socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  let received = "";
  let ended = false;
  socket.on("data", (chunk) => (received += chunk.toString("latin1")));
  socket.on("end", () => (ended = true)).on("error", () => {});
  socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await until("the tunnel", () => received.includes("\r\n\r\n"));
  expect(received).toStartWith("HTTP/1.1 200");
  return { socket, text: () => received.slice(received.indexOf("\r\n\r\n") + 4), ended: () => ended };
}
