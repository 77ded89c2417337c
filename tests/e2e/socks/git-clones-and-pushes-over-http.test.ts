/** git over HTTP, smart protocol, with `http.proxy` set to each kind of proxy. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { git, gitRoute } from "../../support/git-web.ts";
import { openNames } from "../../support/names.ts";
import { scenario } from "../../support/scenario.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

const SIZE = 3 * 1024 * 1024;

scenario(import.meta.file, ["git"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene, await gitRoute(scene, { "large.bin": content(SIZE) }));
    const names = await openNames(scene, { "git.e2e.example": ["127.0.0.1"] });
    proxy = await portail.socks({ policy: allowLocal(web.port), args: ["--resolver", names.address] });
  });

  for (const [way, protocol] of [
    ["http", "http"],
    ["socks5h", "socks5"],
    ["socks4a", "socks4"],
  ]) {
    test(`${way}: clone, push, fetch`, async () => {
      proxy.forget();
      const url = `http://git.e2e.example:${web.port}/repo.git`;
      const here = scene.mkdir(`clones-${way}`);
      const through = ["-c", `http.proxy=${proxy.url(way!)}`];
      await git(here, ...through, "clone", "--quiet", url, "one");
      await git(here, ...through, "clone", "--quiet", url, "two");
      expect(digest(await Bun.file(`${here}/one/large.bin`).bytes())).toBe(digest(content(SIZE)));

      // Larger than git's http.postBuffer: the body goes out in chunks.
      const bytes = content(SIZE + way!.length);
      scene.write(`clones-${way}/one/${way}.bin`, bytes);
      await git(`${here}/one`, "add", ".");
      await git(`${here}/one`, "commit", "--quiet", "--message", way!);
      await git(`${here}/one`, ...through, "push", "--quiet", "origin", "main");
      await git(`${here}/two`, ...through, "pull", "--quiet", "--ff-only");
      expect(digest(await Bun.file(`${here}/two/${way}.bin`).bytes())).toBe(digest(bytes));
      const decision = await proxy.decision(`git.e2e.example:${web.port}`);
      expect(decision).toMatchObject({ protocol, decision: "allow", policy: "local" });
    });
  }

  test("a repository that no policy allows", async () => {
    const through = ["-c", `http.proxy=${proxy.url("http")}`];
    const clone = git(scene.folder, ...through, "clone", "http://git.closed.example/repo.git", "closed");
    expect(clone).rejects.toThrow("403");
    expect(await proxy.decision("git.closed.example:80")).toMatchObject({ decision: "deny" });
  });
});
