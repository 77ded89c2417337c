/** `--listen systemd:NAME` under systemd-socket-activate, which opens the socket and starts us for the first client. */
import { expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { auditLines } from "../../support/audit-trail.ts";
import { curl } from "../../support/curl.ts";
import { PATH, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { freePort } from "../../support/free-port.ts";
import { openWeb } from "../../support/web.ts";

scenario(import.meta.file, ["systemd-socket-activate", "curl"], ({ scene, portail }) => {
  const activate = async (fdname: string, name: string, policy: string) => {
    const port = freePort();
    const acl = scene.write(`${name}.acl`, policy);
    const socks = [...portail.command, "socks", "--listen", `systemd:${name}`, "--acl", acl, "--audit", "-"];
    const manager = ["systemd-socket-activate", "--listen", `127.0.0.1:${port}`, `--fdname=${fdname}`];
    const daemon = start(scene, [...manager, `--setenv=PATH=${PATH}`, "--setenv=HOME=/nonexistent", ...socks]);
    await daemon.output("stderr", /Listening on/);
    return { port, daemon };
  };

  test("the client that woke it is served, and those after it", async () => {
    const web = openWeb(scene);
    const { port, daemon } = await activate("proxy", "proxy", allowLocal(web.port));
    for (const way of ["socks5h", "socks4a", "http"]) {
      const outcome = await curl(["--proxy", `${way}://127.0.0.1:${port}`, `http://127.0.0.1:${web.port}/hello`]);
      expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
    }
    expect(daemon.stderr).toContain(`listening on 127.0.0.1:${port} `);
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
    expect(auditLines(daemon.stdout)[0]).toMatchObject({ event: "start", listen: [`127.0.0.1:${port}`] });
  });

  test("a socket of another name is not taken for ours", async () => {
    const { port, daemon } = await activate("other", "proxy", allowLocal(1));
    await curl(["--proxy", `socks5h://127.0.0.1:${port}`, "http://127.0.0.1:1/"]);
    expect(await daemon.ended).toBe(78);
    expect(daemon.stderr).toMatch(/no inherited socket is named "proxy": it passed other \[systemd\.no_socket\]/);
  });
});
