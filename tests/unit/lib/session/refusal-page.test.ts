/** The page of our own: closed to everything outside, and hostile values are text in it. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { builtinPage, STYLE, STYLE_DIGEST, type Told } from "../../../../lib/session/refusal-page.ts";

const LINE = { status: 403, phrase: "Forbidden", message: "the access policy does not allow this" };
const TOLD: Told = {
  host: "a.example",
  port: "80",
  outcome: "deny",
  reason: "",
  policy: "",
  missing: "",
  requirement: "",
  session: "s-1",
  challenge: "",
};
const page = (told: Partial<Told>, message = LINE.message) => builtinPage({ ...LINE, message }, { ...TOLD, ...told });

test("the policy of the page names its style by digest, and nothing else that it could load", () => {
  const digest = createHash("sha256").update(STYLE).digest("base64");
  expect(STYLE_DIGEST).toBe(`sha256-${digest}`);
  const { body, headers } = page({});
  expect(headers).toMatchObject({
    "Content-Security-Policy": `default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-${digest}'`,
    "X-Content-Type-Options": "nosniff",
  });
  expect(body).toContain(`<style>${STYLE}</style>`);
  expect(body).not.toMatch(/<script|<img|<link|\bsrc=|url\(|@import|style=/);
});

test("what is not told leaves no trace", () => {
  const { body } = page({});
  expect(body).not.toContain("<dl>");
  expect(body).toContain("<code>s-1</code>");
});

test.each(["host", "reason", "policy", "missing", "requirement", "session", "challenge"] as const)(
  "a hostile %s is text",
  (field) => {
    const { body } = page({ [field]: `"><script>alert(1)</script>\u202e\u0000` });
    expect(body).not.toMatch(/<script/);
    expect(body).not.toMatch(/[\u202e\u0000]/);
    expect(body).toContain("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\ufffd\ufffd");
  },
);

test("a challenge links to where its step is taken, and to nothing that is no web address", () => {
  const { body } = page({
    outcome: "challenge",
    challenge: `Go to https://login.example/?a=1&b="2". Not to javascript:alert(1), (http://x.example/).`,
  });
  expect(body).toContain('<a href="https://login.example/?a=1&amp;b=">https://login.example/?a=1&amp;b=</a>');
  expect(body).toContain('(<a href="http://x.example/">http://x.example/</a>).');
  expect(body.match(/<a /g)).toHaveLength(2);
  expect(body).toContain("One more step is needed");
});

test("ports other than 80 are shown, IPv6 in brackets", () => {
  expect(page({}).body).toContain("<bdi>a.example</bdi>");
  expect(page({ host: "2001:db8::1", port: "81" }).body).toContain("<bdi>[2001:db8::1]:81</bdi>");
});
