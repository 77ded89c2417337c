/** Pages of refusals in a headless Chromium: denial, challenge, errors and templates; light and dark, phone and desktop; hostile names. */
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { Browser } from "../../support/browser.ts";
import { openNames } from "../../support/names.ts";
import { pngColors } from "../../support/png.ts";
import { scenario } from "../../support/scenario.ts";

const POLICY = `
policy secret_rule { when host == "closed.example" action deny }
policy by_template { when host == "own.example" action deny explain-template="own" }
policy step { when host == "wiki.example" action challenge "Show your second factor at https://login.example/?a=1&b=2." }
policy staff { when host == "staff.example" require client.auth == "tls" action allow }
policy anywhere { when port == 81 action allow }
`;
const OWN = `<!doctype html><title>own</title><p id="own" title="{{host}}">{{host}} is closed, {{session}}</p>`;
const NAMES = /secret_rule|by_template|staff<|client\.auth/;

scenario(import.meta.file, ["chromium"], ({ scene, portail }) => {
  let silent: Browser;
  let telling: Browser;
  let proxy: AccessProxy;
  beforeAll(async () => {
    scene.write("templates/own.html", OWN);
    const { address } = await openNames(scene, {});
    const args = ["--templates", scene.path("templates"), "--resolver", address];
    proxy = await portail.socks({ policy: POLICY, args });
    silent = new Browser(scene, proxy.url("http"));
    const about = scene.write("explain.acl", 'policy all { when decision.outcome == "deny" action allow }');
    const open = await portail.socks({ policy: POLICY, args: [...args, "--explain-acl", about] });
    telling = new Browser(scene, open.url("http"));
  });

  test("weakness 6.4.18: a denial: what is closed, the reference of the record, and no rule", async () => {
    const page = await silent.dom("http://closed.example/path");
    expect(page).toContain("<h1>This address is not open to you</h1>");
    expect(page).toContain("<bdi>closed.example</bdi>");
    expect(page).not.toMatch(NAMES);
    expect(page).not.toContain("<dl>");
    const { session } = await proxy.decision("closed.example:80", ({ policy }) => policy === "secret_rule");
    // A browser may have asked for an icon as well.
    expect(page).toContain(`Reference <code>${session.split("-")[0]}-`);
  });

  test("where the explain policy says so: the rule, and what it required", async () => {
    const denied = await telling.dom("http://closed.example/");
    expect(denied).toContain("<dt>Policy</dt><dd><bdi>secret_rule</bdi></dd>");
    const required = await telling.dom("http://staff.example/");
    expect(required).toContain('<dt>Required</dt><dd><bdi>client.auth == "tls"</bdi></dd>');
  });

  test("a challenge: the step, with a link to it", async () => {
    for (const browser of [silent, telling]) {
      const page = await browser.dom("http://wiki.example/");
      expect(page).toContain("<h1>One more step is needed</h1>");
      expect(page).toContain('<a href="https://login.example/?a=1&amp;b=2">');
      expect(page).not.toContain("<dl>");
    }
  });

  test("what the policy allows and is not there", async () => {
    const page = await silent.dom("http://nowhere.example:81/");
    expect(page).toContain("<h1>This page cannot be reached</h1>");
    expect(page).toContain("<p>Cannot resolve nowhere.example.</p>");
  });

  test("a template of the operator, filled and escaped", async () => {
    const page = await silent.dom("http://own.example/");
    expect(page).toMatch(/<p id="own" title="own\.example">own\.example is closed, [0-9a-f]{8}-/);
    expect(page).not.toMatch(NAMES);
  });

  test.each([
    ["http://a%3Cscript%3E.example/", "<script>."],
    ["http://%E2%80%AEelpmaxe.test/", "\u202e"],
    [`http://${Array.from({ length: 3 }, () => "a".repeat(60)).join(".")}.example/`, "<script"],
    ["http://xn--bcher-kva.example/", "<script"],
  ])("a hostile name is text: %s", async (url, never) => {
    expect(await silent.dom(url)).not.toContain(never);
  });

  for (const [url, name] of [
    ["http://closed.example/", "denial"],
    ["http://wiki.example/", "challenge"],
    [`http://${"long-name-".repeat(6)}.${"b".repeat(60)}.${"c".repeat(60)}.example/`, "long"],
  ] as const) {
    for (const dark of [false, true]) {
      for (const [width, height] of [
        [1100, 700],
        [390, 844],
      ] as const) {
        test(`${name}, ${dark ? "dark" : "light"}, ${width} wide: the colours of its scheme, to the edge`, async () => {
          const png = await telling.picture(url, { width, height, dark });
          // The page's own background at both edges: nothing stands out beyond it.
          const colors = pngColors(png, [
            [2, 20],
            [width - 3, 20],
            [width - 3, Math.floor(height / 3)],
          ]);
          expect(colors).toEqual(Array(3).fill(dark ? "12151b" : "f4f5f7"));
          keep(png, `${name}-${dark ? "dark" : "light"}-${width}.png`);
        });
      }
    }
  }
});

/** For people to look at, where PORTAIL_PICTURES names a folder. */
function keep(png: Uint8Array, name: string): void {
  const folder = process.env["PORTAIL_PICTURES"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), png);
}
