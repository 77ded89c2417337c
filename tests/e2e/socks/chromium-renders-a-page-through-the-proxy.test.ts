/** A headless Chromium started with `--proxy-server`, as SOCKS, as HTTP and as HTTP/2 inside TLS, on a page that only the proxy can resolve. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { Browser } from "../../support/browser.ts";
import { openNames } from "../../support/names.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

const HOST = "page.e2e.example";
const PAGE = `<!doctype html><title>page</title><p id="p">not yet</p><script src="/script.js"></script>`;
const SCRIPT = `document.getElementById("p").textContent = "written by " + "the script";`;

scenario(import.meta.file, ["chromium", "openssl"], ({ scene, portail }) => {
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

  test("https: the same in one connection of HTTP/2, and why another page is denied", async () => {
    const { cert, key } = save(scene, "proxy", authority().issue({ san: ["DNS:localhost"] }));
    const { address } = await openNames(scene, { [HOST]: ["127.0.0.1"] });
    const policy = `policy page { when host == "${HOST}" and proxy.version == "2" and dest.ip in [127.0.0.1] action allow }`;
    const own = await portail.socks({ policy, args: ["--resolver", address, "--cert", cert, "--key", key] });
    const browser = new Browser(scene, `https://localhost:${own.port}`, ["--ignore-certificate-errors"]);
    web.requests.length = 0;
    expect(await browser.dom(`http://${HOST}:${web.port}/`)).toContain('<p id="p">written by the script</p>');
    expect(web.requests.map(({ path, headers }) => [path, headers.get("via")])).toContainEqual([
      "/script.js",
      "2 portail",
    ]);
    expect(await own.decision(`${HOST}:${web.port}`)).toMatchObject({ tls: { protocolId: "h2" }, policy: "page" });
    const denied = await browser.dom(`http://127.0.0.1:${web.port}/`);
    expect(denied).toContain("The access policy does not allow this.");
  });
});
