/** URL templates: what fills a place stays in it, and what is no template is refused. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UrlTemplate, type KeyValue } from "../../../../lib/context/url-template.ts";

const NAMES = ["client.user", "client.ip"];

function template(text: string): UrlTemplate {
  const parsed = UrlTemplate.parse(text, NAMES);
  if ("error" in parsed) throw new Error(parsed.error);
  return parsed;
}

function refusal(text: string): string {
  const parsed = UrlTemplate.parse(text, NAMES);
  return "error" in parsed ? parsed.error : "";
}

const expand = (text: string, ...keys: KeyValue[]) => template(text).expand(keys);

describe("the server", () => {
  test.each([
    ["https://a.example/x", { tls: true, host: "a.example", port: 443, authority: "a.example" }],
    ["http://a.example:8080", { tls: false, host: "a.example", port: 8080, authority: "a.example:8080" }],
    ["HTTPS://[2001:db8::1]:8443/", { tls: true, host: "2001:db8::1", port: 8443, authority: "[2001:db8::1]:8443" }],
    ["http://192.0.2.1?q={client.user}", { tls: false, host: "192.0.2.1", port: 80, authority: "192.0.2.1" }],
  ])("%s", (text, origin) => {
    const { tls, host, port, authority } = template(text);
    expect({ tls, host, port, authority }).toEqual(origin);
  });
});

describe("places", () => {
  test.each<[text: string, key: KeyValue, path: string | undefined]>([
    ["https://h/u/{client.user}", "ada", "/u/ada"],
    ["https://h/u/{client.user}", "a b/c?d#e&f=g%h", "/u/a%20b%2Fc%3Fd%23e%26f%3Dg%25h"],
    ["https://h/u/{client.user}", "é🙂!'()*", "/u/%C3%A9%F0%9F%99%82%21%27%28%29%2A"],
    ["https://h/u/{client.user}", 7, "/u/7"],
    ["https://h?u={client.user}", "", "/?u="],
    ["https://h/u/{client.user}", "", undefined],
    ["https://h/u/{client.user}", ".", undefined],
    ["https://h/u/{client.user}/x", "..", undefined],
    ["https://h/u/.{client.user}/x", ".", undefined],
    ["https://h/u/{client.user}", "...", "/u/..."],
    ["https://h/u?n={client.user}", "..", "/u?n=.."],
    ["https://h/u/{client.user}", "\ud800", undefined],
    ['https://h/r?f={{"Email":[{client.user:json}]}}', "a@b", "/r?f=%7B%22Email%22:%5B%22a%40b%22%5D%7D"],
    ["https://h/r?f=[{client.user:json}]", '","x', "/r?f=%5B%22%5C%22%2C%5C%22x%22%5D"],
    ["https://h/r?f={client.user:json}", 7, "/r?f=7"],
    ["https://h/r?f={client.user:json}", true, "/r?f=true"],
    ["https://h/%41{{}}/{client.user}", "x", "/%41%7B%7D/x"],
    ["https://h/a b/é", "x", "/a%20b/%C3%A9"],
  ])("%s with %j is %j", (text, key, path) => {
    expect(expand(text, key)).toBe(path);
  });

  test("several keys, each in its own", () => {
    expect(expand("https://h/{client.ip}/{client.user}/{client.ip}", "ada", "192.0.2.1")).toBe(
      "/192.0.2.1/ada/192.0.2.1",
    );
    expect(template("https://h/{client.user}").uses(1)).toBe(false);
  });

  test("whatever the key, the rest of the URL is what the operator wrote", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (key) => {
        const path = expand("https://h/a/{client.user}/b?c={client.user}&d=[{client.user:json}]", key);
        if (path === undefined) return;
        const url = new URL(`https://h${path}`);
        expect(url.pathname.split("/").map(decodeURIComponent)).toEqual(["", "a", key, "b"]);
        expect([...url.searchParams.keys()]).toEqual(["c", "d"]);
        expect(decodeURIComponent(/[?&]c=([^&]*)/.exec(url.search)![1]!)).toBe(key);
        expect(JSON.parse(decodeURIComponent(/&d=([^&]*)/.exec(url.search)![1]!))).toEqual([key]);
      }),
    );
  });
});

describe("refused", () => {
  test.each([
    ["ftp://h/x", "no http or https"],
    ["/x", "no http or https"],
    ["https://", "names no host"],
    ["https://h:0/", "names no host"],
    ["https://h:65536/", "names no host"],
    ["https://[192.0.2.1]/", "names no host"],
    ["https://{client.user}.example/", "which server is asked"],
    ["https://u:p@h/", "no user and no password"],
    ["https://h/x#y", "fragment"],
    ["https://h/{client.usr}", "{client.usr} is no key"],
    ["https://h/{client.user:xml}", "{client.user:xml} is not known"],
    ["https://h/{client.user", 'a "{" stands alone'],
    ["https://h/client.user}", 'a "}" stands alone'],
    ["https://h/%4/{client.user}", "% is not followed"],
    ['https://h/?f={{"Email":["{client.user}"]}}', "would end the text"],
    ["https://h/?f=%7B%22Email%22:%5B%22x-{client.user}%22%5D%7D", "would end the text"],
  ])("%s", (text, why) => {
    expect(refusal(text)).toContain(why);
  });
});
