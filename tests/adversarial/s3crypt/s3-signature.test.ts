/** Requests whose signature is right in all but one thing: each is refused, and the storage hears of none. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import { formatAmzDate } from "../../../lib/wire/sigv4.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, type Gateway } from "./gateway.ts";
import { ask, CREDENTIALS, presigned, signed, startS3, write, type Order } from "./s3-requests.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startS3();
});
afterAll(() => gateway.stop());

const MINUTE = 60_000;
const LISTENERS = [
  ["/upstream/", () => gateway.port],
  ["/", () => gateway.s3Port],
] as const;

/** Takes the one request that the storage gets and answers it; its head. */
async function taken(): Promise<string[]> {
  const storage = await gateway.storage.next();
  const head = await headOf(storage);
  storage.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  storage.end();
  return head;
}

function edit(head: RequestHead, name: string, change: (value: string) => string): RequestHead {
  const headers = head.headers.map(([each, value]) => {
    return [each, each.toLowerCase() === name ? change(value) : value] as const;
  });
  return { ...head, headers };
}

const swapLast = (text: string) => text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");
const in4 = (query: string, name: string, value: string) =>
  query.replace(new RegExp(`${name}=[^&]*`), `${name}=${value}`);

describe.each(LISTENERS)("below %s", (root, port) => {
  const order = (more: Partial<Order> = {}): Order => ({
    method: "DELETE",
    path: `${root}${newName()}`,
    query: "versionId=3",
    headers: [["x-amz-mfa", "a"]],
    ...more,
  });
  const [status, told] =
    root === "/" ? ([403, /<Code>[A-Za-z]+<\/Code>/] as const) : ([401, /^Invalid S3 signature$/] as const);
  const refused = async (head: RequestHead) => {
    const before = gateway.storage.opened;
    const answer = await ask(port(), head);
    expect(answer.body).toMatch(told);
    expect(answer.status === status || (root === "/" && answer.status === 400)).toBe(true);
    expect(gateway.storage.opened).toBe(before);
  };

  test("what is right goes on, signed again for the storage", async () => {
    const { head } = signed(order());
    const answered = ask(port(), head);
    const lines = await taken();
    expect((await answered).status).toBe(204);
    expect(lines[0]).toBe(`DELETE /jail/${head.path.slice(root.length)}?versionId=3 HTTP/1.1`);
    expect(field(lines, "host")).toBe(`127.0.0.1:${gateway.storage.port}`);
    expect(field(lines, "authorization")).toMatch(/SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-mfa, /);
    expect(lines.join("\n")).not.toContain(head.headers.find(([name]) => name === "authorization")![1]);
  });

  test("a presigned URL goes on without its signature", async () => {
    const answered = ask(port(), presigned(order({ headers: [] })));
    const lines = await taken();
    expect((await answered).status).toBe(204);
    expect(lines[0]).toMatch(/^DELETE \/jail\/o-\d+\?versionId=3 HTTP\/1\.1$/);
    expect(field(lines, "authorization")).toStartWith("AWS4-HMAC-SHA256 Credential=ID/");
  });

  const wrong: [string, (head: RequestHead) => RequestHead][] = [
    ["another method", (head) => ({ ...head, method: "GET" })],
    ["another path", (head) => ({ ...head, path: `${head.path}x` })],
    ["the same path in another bucket", (head) => ({ ...head, path: head.path.replace(/o-/, "p-") })],
    ["a path with dots", (head) => ({ ...head, path: head.path.replace(/(o-\d+)$/, "x/../$1") })],
    ["a parameter more", (head) => ({ ...head, query: `${head.query}&acl` })],
    ["another version", (head) => ({ ...head, query: "versionId=4" })],
    ["another host", (head) => edit(head, "host", () => "other.example")],
    ["another date", (head) => edit(head, "x-amz-date", () => formatAmzDate(Date.now() + 1000))],
    ["another header", (head) => edit(head, "x-amz-mfa", () => "b")],
    ["another payload", (head) => edit(head, "x-amz-content-sha256", () => "0".repeat(64))],
    ["a header more", (head) => ({ ...head, headers: [...head.headers, ["x-amz-copy-source", "/jail/a"]] })],
    ["a header less", (head) => ({ ...head, headers: head.headers.filter(([name]) => name !== "x-amz-mfa") })],
    ["another signature", (head) => edit(head, "authorization", swapLast)],
    ["half a signature", (head) => edit(head, "authorization", (text) => text.slice(0, -32))],
    ["another key", (head) => edit(head, "authorization", (text) => text.replace("=ID/", "=IE/"))],
    ["another region", (head) => edit(head, "authorization", (text) => text.replace("eu-test", "us-test"))],
    ["another service", (head) => edit(head, "authorization", (text) => text.replace("/s3/", "/sts/"))],
    ["fewer signed headers", (head) => edit(head, "authorization", (text) => text.replace(";x-amz-mfa", ""))],
    ["version 2", (head) => edit(head, "authorization", () => "AWS ID:c2lnbmF0dXJl")],
    ["no signature", (head) => ({ ...head, headers: head.headers.filter(([name]) => name !== "authorization") })],
    ["no date", (head) => ({ ...head, headers: head.headers.filter(([name]) => name !== "x-amz-date") })],
    ["two signatures", (head) => ({ ...head, headers: [...head.headers, ...head.headers.filter(isAuthorization)] })],
    [
      "one in the query as well",
      (head) => ({ ...head, query: presigned({ path: head.path, method: "DELETE" }).query }),
    ],
  ];
  test.each(wrong)("%s", async (_, spoil) => {
    await refused(spoil(signed(order()).head));
  });

  const spoilt: [string, (query: string) => string][] = [
    ["another date", (query) => in4(query, "X-Amz-Date", formatAmzDate(Date.now() + 1000))],
    ["a longer time", (query) => in4(query, "X-Amz-Expires", "61")],
    ["fewer headers", (query) => in4(query, "X-Amz-SignedHeaders", "")],
    ["another key", (query) => in4(query, "X-Amz-Credential", "ID")],
    ["another signature", (query) => swapLast(query)],
    ["a parameter more", (query) => `x-amz-acl=public-read&${query}`],
    ["one twice", (query) => `${query}&x-amz-expires=60`],
  ];
  test.each(spoilt)("presigned: %s", async (_, spoil) => {
    const head = presigned(order({ headers: [] }));
    await refused({ ...head, query: spoil(head.query) });
  });

  test("other secrets", async () => {
    const credentials = { ...CREDENTIALS, secretAccessKey: "very/secreT" };
    await refused(signed(order({ credentials })).head);
    await refused(presigned(order({ credentials, headers: [] })));
    await refused(signed(order({ credentials: { ...CREDENTIALS, sessionToken: "t" } })).head);
  });

  test.each([-16, 16])("a clock that is %d minutes off", async (minutes) => {
    await refused(signed(order({ date: Date.now() + minutes * MINUTE })).head);
  });

  test("a presigned URL that has ended", async () => {
    await refused(presigned(order({ date: Date.now() - 16 * MINUTE, headers: [] }), 30));
  });

  test("the path of the other listener", async () => {
    const { head } = signed(order({ path: `${root === "/" ? "/upstream/" : "/"}o-other` }));
    await refused({ ...head, path: `${root}o-other` });
  });
});

function isAuthorization([name]: readonly [string, string]): boolean {
  return name === "authorization";
}

test("an upload that is not signed is answered before its content", async () => {
  const before = gateway.storage.opened;
  const client = await RawClient.open(gateway.s3Port);
  const head = {
    method: "PUT",
    path: `/${newName()}`,
    query: "",
    headers: [
      ["Host", "a"],
      ["Content-Length", "9"],
    ] as const,
  };
  client.write(write({ ...head, headers: [...head.headers, ["Expect", "100-continue"]] }));
  expect((await headOf(client))[0]).toBe("HTTP/1.1 403 Forbidden");
  client.end();
  await client.closed;
  expect(gateway.storage.opened).toBe(before);
});

test("what was refused is told of in the audit, without the signature", async () => {
  const name = newName();
  await ask(gateway.port, { method: "GET", path: `/upstream/${name}`, query: "", headers: [["Host", "a"]] });
  const line = await gateway.line(name);
  expect([line.outcome, line.code, line.status, line.decision]).toEqual(["refused", "unsigned", 401, "deny"]);
});

test("preflights of browsers need no signature, and get none", async () => {
  const headers = [
    ["Host", "a"],
    ["Origin", "https://page.example"],
    ["Access-Control-Request-Method", "PUT"],
  ] as const;
  const answered = ask(gateway.s3Port, { method: "OPTIONS", path: `/${newName()}`, query: "", headers });
  const lines = await taken();
  expect((await answered).status).toBe(204);
  expect(field(lines, "authorization")).toBeUndefined();
  const before = gateway.storage.opened;
  const other = await ask(gateway.s3Port, { method: "OPTIONS", path: "/o", query: "", headers: headers.slice(0, 2) });
  expect([other.status, gateway.storage.opened]).toEqual([403, before]);
});
