/** The page of `portail socks --status` in a headless Chromium: live without a reload, hostile names as text, eight thousand connections, both schemes and widths. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { holdTransfer } from "../../support/held.ts";
import { authority, save } from "../../support/pki.ts";
import { pngColors } from "../../support/png.ts";
import { scenario } from "../../support/scenario.ts";
import { Tab } from "../../support/tab.ts";
import { openUnixFront } from "../../support/unix-front.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

const HOSTILE = [
  `/CN=<script>document.title="taken"<\\/script>`,
  `/CN="'><img src=x onerror="document.title=1">`,
  "/CN=\u202Egnp.exe",
  `/CN=long${"/OU=".padEnd(61, "x").repeat(64)}`,
];
const CROWD = 8000;

scenario(import.meta.file, ["chromium", "curl", "openssl"], ({ scene, portail }) => {
  let tab: Tab;
  let web: Web;
  beforeAll(async () => {
    web = openWeb(scene);
    tab = await Tab.open(scene, ["--host-resolver-rules=MAP evil.example 127.0.0.1"]);
  });

  const text = () => tab.value<string>("document.body.innerText");
  const total = async (title: string) => {
    const tile = `[...document.querySelectorAll(".tile")].find((one) => one.innerText.startsWith("${title}"))`;
    return tab.value<string>(`${tile}.querySelector("small").innerText`);
  };

  describe("over TCP", () => {
    let proxy: AccessProxy;
    let place: string;
    beforeAll(async () => {
      proxy = await portail.socks({ policy: allowLocal(web.port), args: ["--status", "127.0.0.1:0"] });
      [, place] = (await proxy.program.output("stderr", /status on (\S+)/)) as unknown as [string, string];
    });
    const visit = (port = web.port) => curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${port}/hello`]);

    test("it follows what happens, in the document that was loaded, and stands still while it is paused", async () => {
      await tab.go(`http://${place}/`);
      await tab.value("window.mark = 1");
      expect(await total("New connections")).toBe("0 in all");
      await Promise.all(Array.from({ length: 20 }, () => visit()));
      await until("twenty connections on the page", async () => (await total("New connections")) === "20 in all");
      await until("their policy", async () => /local\s+20\b/.test(await text()));
      await tab.value("document.getElementById('pause').click()");
      expect(await text()).toContain("Paused");
      const asked = () => tab.value<number>("performance.getEntriesByType('resource').length");
      await tab.value("window.ticks = 0");
      await tab.value("{ const run = setTimeout; window.setTimeout = (...all) => (window.ticks++, run(...all)) }");
      const before = await asked();
      await visit(9);
      await until("two turns in which it might have asked", () => tab.value<boolean>("window.ticks > 1"));
      expect(await asked()).toBe(before);
      expect(await total("Denied")).toBe("0 in all");
      await tab.value("document.getElementById('pause').click()");
      await until("the page to go on", async () => (await asked()) > before);
      await until("the denial", async () => (await total("Denied")) === "1 in all");
      expect(await tab.value<number>("window.mark")).toBe(1);
      expect(tab.complaints).toEqual([]);
    });

    test("it says since when there is no answer, and what was there stays", async () => {
      const other = await portail.socks({ policy: allowLocal(web.port), args: ["--status", "127.0.0.1:0"] });
      const [, there] = await other.program.output("stderr", /status on (\S+)/);
      await tab.go(`http://${there}/`);
      expect(await other.stop()).toBe(0);
      await until("the complaint", async () => (await text()).includes("No answer since"));
      expect(await text()).toContain("Decisions by outcome");
    });

    test("without its script it is whole", async () => {
      await visit();
      await tab.scripts(false);
      await tab.go(`http://${place}/`);
      const shown = await tab.value<string>("document.body.innerText");
      expect(shown).toContain("Load newer figures");
      expect(shown).toContain("Decisions by policy");
      expect(shown).not.toContain("Pause");
      await tab.scripts(true);
    });

    test("under a name that leads here from elsewhere there is none", async () => {
      const [, port] = place.split(":");
      await tab.go(`http://evil.example:${port}/`);
      expect(await text()).toContain("--status-name");
      expect(await tab.value<number>("document.querySelectorAll('table').length")).toBe(0);
    });

    test("whose connections are open is not shown", async () => {
      const held = await holdTransfer(scene, web, ["--proxy", proxy.url("http")]);
      await tab.go(`http://${place}/`);
      expect(await text()).toContain("1 open");
      expect(await tab.value<string>("document.documentElement.outerHTML")).not.toContain(`127.0.0.1:${web.port}`);
      web.release();
      await held.outcome;
      web.hold();
    });

    for (const dark of [false, true]) {
      for (const [width, height] of [
        [1280, 900],
        [390, 844],
      ] as const) {
        test(`${dark ? "dark" : "light"}, ${width} wide: the colours of its scheme, and nothing beyond the edge`, async () => {
          await tab.look({ width, height, dark });
          await tab.go(`http://${place}/`);
          expect(await tab.value<number>("document.documentElement.scrollWidth")).toBe(width);
          const png = await tab.picture();
          expect(
            pngColors(png, [
              [2, 2],
              [width - 3, 300],
            ]),
          ).toEqual(Array(2).fill(dark ? "12151b" : "f4f5f7"));
          keep(png, `status-${dark ? "dark" : "light"}-${width}.png`);
        });
      }
    }
  });

  describe("at a UNIX socket", () => {
    let proxy: AccessProxy;
    let url: string;
    const held: { outcome: Promise<unknown> }[] = [];
    beforeAll(async () => {
      const people = authority("People");
      const server = save(scene, "proxy", authority("Proxies").issue());
      const tls = ["--cert", server.cert, "--key", server.key, "--cacert", scene.write("people.pem", people.cert)];
      const args = [
        ...tls,
        "--tls",
        "optional",
        "--status",
        `unix:${scene.path("status")}`,
        "--handshake-timeout",
        "10m",
      ];
      proxy = await portail.socks({ policy: allowLocal(web.port), args });
      url = `http://127.0.0.1:${await openUnixFront(scene, scene.path("status"))}/`;
      const cacert = ["--proxy-cacert", scene.write("proxies.pem", authority("Proxies").cert)];
      // One after the other: each is known to have begun by what the web server is asked.
      for (const [i, subject] of HOSTILE.entries()) {
        const who = save(scene, `hostile-${i}`, people.issue({ subject }));
        const certificate = [...cacert, "--proxy-cert", who.cert, "--proxy-key", who.key];
        const way = ["--proxytunnel", "--proxy", `https://localhost:${proxy.port}`, ...certificate];
        held.push(await holdTransfer(scene, web, way));
      }
    });
    afterAll(async () => {
      web.release();
      await Promise.all(held.map(({ outcome }) => outcome));
    });

    test.each([390, 1280])("names of clients are text, however hostile: %d wide", async (width) => {
      await tab.look({ width, height: 900, dark: false });
      await tab.go(url);
      const rows = await tab.value<string[]>(
        "[...document.querySelectorAll('#connections tbody th')].map((th) => th.innerText)",
      );
      expect(rows).toHaveLength(HOSTILE.length);
      // RFC 4514 escapes some of it; a page that does not would still begin an element here.
      expect(rows.join()).toContain("\\<script\\>document.title=");
      expect(rows.join()).toContain("onerror=");
      expect(rows.join()).toContain("\ufffdgnp.exe");
      expect(rows.find((row) => row.includes("xxxx"))!.length).toBeLessThan(400);
      expect(await tab.value<string>("document.title")).toStartWith("Serving");
      expect(await tab.value<number>("document.querySelectorAll('script').length + document.images.length")).toBe(1);
      expect(await tab.value<number>("document.documentElement.scrollWidth")).toBe(width);
      expect(await text()).toContain(`127.0.0.1:${web.port}`);
      expect(tab.complaints.filter((complaint) => complaint.includes("Content Security Policy"))).toEqual([]);
      keep(await tab.picture(), `hostile-${width}.png`);
    });

    test(`with ${CROWD} clients a part is shown, and the rest is within reach`, async () => {
      const crowd = await gather(proxy.port);
      await tab.look({ width: 1280, height: 900, dark: false });
      await tab.go(`${url}?sort=new`);
      await until("all of them", async () =>
        (await text()).includes(`${(CROWD + HOSTILE.length).toLocaleString("en-US")} open`),
      );
      const rows = () => tab.value<number>("document.querySelectorAll('#connections tbody tr').length");
      expect(await rows()).toBe(50);
      expect(await tab.value<number>("document.documentElement.outerHTML.length")).toBeLessThan(150_000);
      expect(await text()).toContain("1 to 50 of 8,004");
      await tab.go(await tab.value("document.getElementById('by-age').href"));
      expect(await text()).toContain("onerror=");
      await tab.go(`${url}?sort=new&page=161`);
      expect(await text()).toContain("8,001 to 8,004 of 8,004");
      expect(await rows()).toBe(4);
      const through = await curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${web.port}/hello`]);
      expect(through.stdout).toBe("hello from the web\n");
      await until("what came meanwhile", async () => (await total("New connections")).startsWith("8,005 "));
      for (const socket of crowd) socket.terminate();
      await until("them gone", async () => (await text()).includes(`${HOSTILE.length} open`), 60_000);
    }, 120_000);
  });

  /** Clients that say nothing yet. */
  async function gather(port: number) {
    const crowd: Bun.Socket[] = [];
    scene.defer(() => crowd.forEach((socket) => socket.terminate()));
    while (crowd.length < CROWD) {
      const some = Array.from({ length: 200 }, () =>
        Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }),
      );
      crowd.push(...(await Promise.all(some)));
    }
    return crowd;
  }
});

/** For people to look at, where PORTAIL_PICTURES names a folder. */
function keep(png: Uint8Array, name: string): void {
  const folder = process.env["PORTAIL_PICTURES"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), png);
}
