/** Forward requests in a row on one connection that then stays silent. In a process of its own, since the danger is a loop without end. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, RawClient } from "./raw-client.ts";

setDefaultTimeout(60_000);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

test.each([1, 2, 3, 10])(
  "weakness 6.2.9: %d requests, then silence: the client is cut, and others are served",
  async (count) => {
    const web = createServer((_, res) => res.end("fine"));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    closing.push(() => (web.closeAllConnections(), web.close()));
    const { port } = web.address() as { port: number };
    const proxy = await startChild();
    const client = await RawClient.open(proxy);
    client.write(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count));
    const answers = (await client.rest()).toString();
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(count);
    client.end();
    const other = await ask("socks5", proxy, "127.0.0.1", port);
    expect(other.open).toBe(true);
    other.client.reset();
  },
);

/** The port of a `portail socks` with short deadlines. */
async function startChild(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "portail-pipelining-"));
  const acl = join(folder, "it.acl");
  writeFileSync(acl, "policy local { when dest.ip in [127.0.0.0/8] action allow }");
  const main = join(import.meta.dir, "../../cli/main.ts");
  const flags = ["--listen", "127.0.0.1:0", "--acl", acl, "--handshake-timeout", "300ms", "--audit", "-"];
  const child = Bun.spawn([process.execPath, main, "socks", ...flags], { stdout: "pipe", stderr: "ignore" });
  closing.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(folder, { recursive: true });
  });
  const { value } = await child.stdout.getReader().read();
  const start = JSON.parse(new TextDecoder().decode(value).split("\n")[0]!) as { listen: string[] };
  return Number(start.listen[0]!.split(":").at(-1));
}
