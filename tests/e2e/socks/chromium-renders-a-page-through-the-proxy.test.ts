/** A headless Chromium started with `--proxy-server`, as SOCKS and as HTTP, on a page that only the proxy can resolve. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { Browser } from "../../support/browser.ts";
import { openNames } from "../../support/names.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

const HOST = "page.e2e.example";
const PAGE = `<!doctype html><title>page</title><p id="p">not yet</p><script src="/script.js"></script>`;
const SCRIPT = `document.getElementById("p").textContent = "written by " + "the script";`;

scenario(import.meta.file, ["chromium"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    const files: Record<string, [text: string, type: string] | undefined> = {
      "/": [PAGE, "text/html"],
      "/script.js": [SCRIPT, "text/javascript"],
    };
    web = openWeb(scene, (_request, url) => {
      const [text, type] = files[url.pathname] ?? [];
      return text === undefined ? undefined : new Response(text, { headers: { "content-type": type! } });
    });
    const { address } = await openNames(scene, { [HOST]: ["127.0.0.1"] });
    const policy = `policy page { when host == "${HOST}" and dest.ip in [127.0.0.1] action allow }`;
    proxy = await portail.socks({ policy, args: ["--resolver", address, "--status", "127.0.0.1:0"] });
  });

  const browse = (scheme: string, url: string) => new Browser(scene, proxy.url(scheme)).dom(url);

  for (const [scheme, protocol] of [
    ["socks5", "socks5"],
    ["http", "http"],
  ]) {
    test(`${scheme}: the page and its script arrive`, async () => {
      proxy.forget();
      web.requests.length = 0;
      expect(await browse(scheme!, `http://${HOST}:${web.port}/`)).toContain('<p id="p">written by the script</p>');
      expect(web.requests.map(({ path }) => path)).toContain("/script.js");
      const decision = await proxy.decision(`${HOST}:${web.port}`);
      expect(decision).toMatchObject({ protocol, decision: "allow", policy: "page" });
    });
  }

  test("weakness 6.4.17: the same by nothing but the address of the PAC file", async () => {
    proxy.forget();
    const [, place] = await proxy.program.output("stderr", /status on (\S+)/);
    const browser = new Browser(scene, `http://${place}/proxy.pac`);
    expect(await browser.dom(`http://${HOST}:${web.port}/`)).toContain('<p id="p">written by the script</p>');
    expect(await proxy.decision(`${HOST}:${web.port}`)).toMatchObject({ protocol: "http", policy: "page" });
  });

  test("http: the person reads why a page is denied", async () => {
    expect(await browse("http", `http://127.0.0.1:${web.port}/`)).toContain("The access policy does not allow this.");
    expect(await proxy.decision(`127.0.0.1:${web.port}`)).toMatchObject({ decision: "deny" });
  });
});
