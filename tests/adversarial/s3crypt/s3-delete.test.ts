/** DeleteObjects under a policy: what it does not allow never reaches the storage, however it is mixed, spelt or repeated. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Gateway } from "./gateway.ts";
import { ask, signed, startS3, type Told } from "./s3-requests.ts";

const POLICY = `
policy frozen { when s3.operation == "DeleteObjects" and query == "delete=" action deny }
policy kept { when s3.key =~ "^mine/kept/" action deny }
policy mine { when s3.bucket == "jail" and s3.operation == "DeleteObject" and method == "DELETE" and path =~ "^/jail/mine/" action allow }
`;
const RESULT = '<?xml version="1.0"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>';

let folder: string;
let gateway: Gateway;
/** What the storage got, and what it says. */
let bodies: string[] = [];
let result: [status: number, body: string] = [200, RESULT];

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  request.on("end", () => {
    bodies.push(body);
    response
      .writeHead(result[0], { "Content-Type": "application/xml", "Content-Length": result[1].length })
      .end(result[1]);
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  folder = mkdtempSync(join(tmpdir(), "portail-policy-"));
  writeFileSync(join(folder, "s3.acl"), POLICY);
  const { port } = server.address() as AddressInfo;
  gateway = await startS3(["--acl", join(folder, "s3.acl"), "--connect-url", `http://127.0.0.1:${port}`]);
});
afterAll(async () => {
  await gateway.stop();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  bodies = [];
  result = [200, RESULT];
});

const object = (key: string, more = "") => `<Object><Key>${key}</Key>${more}</Object>`;
const documentOf = (...objects: string[]) => `<Delete>${objects.join("\n")}<Quiet>true</Quiet></Delete>`;

function remove(document: string, query = "delete"): Promise<Told> {
  const content = Buffer.from(document);
  const headers = [["Content-Length", String(content.length)]] as const;
  return ask(gateway.s3Port, signed({ method: "POST", path: "/", query, headers }).head, content);
}

function refused(body: string): string[] {
  const errors = body.split("<Error>").filter((error) => error.includes("<Code>AccessDenied</Code>"));
  return errors.map((error) => /<Key>(.*)<\/Key>/.exec(error)![1]!);
}

test("what is allowed alone goes through byte for byte, and so does the answer", async () => {
  const document = `<?xml version='1.0'?> ${documentOf(object("mine/a"), object("mine/&#98;", "<ETag>x</ETag>"))}`;
  expect(await remove(document)).toEqual({ status: 200, body: RESULT });
  expect(bodies).toEqual([document]);
});

test("of many, those that are denied are left out, told and recorded each", async () => {
  const objects = [
    object("mine/1"),
    object("theirs/1"),
    object("mine/2"),
    object("mine/kept/1", "<VersionId>7</VersionId>"),
  ];
  result = [200, "<DeleteResult><Error><Key>mine/2</Key><Code>InternalError</Code></Error></DeleteResult>"];
  const { status, body } = await remove(documentOf(...objects));
  expect(status).toBe(200);
  expect(body).toStartWith("<DeleteResult><Error><Key>mine/2</Key><Code>InternalError</Code></Error><Error>");
  expect(refused(body)).toEqual(["theirs/1", "mine/kept/1"]);
  expect(body).toContain("<VersionId>7</VersionId><Code>AccessDenied</Code>");
  expect(bodies).toEqual([documentOf(objects[0]!, "", objects[2]!, "")]);
  expect(await gateway.line("theirs/1")).toMatchObject({
    operation: "DeleteObject",
    bucket: "jail",
    key: "theirs/1",
    decision: "deny",
    policy: null,
    reason: "default",
    outcome: "denied",
    code: "denied",
  });
  expect(await gateway.line("mine/kept/1")).toMatchObject({ policy: "kept", reason: "policy", outcome: "denied" });
});

test("where none is allowed the storage is not asked", async () => {
  const { status, body } = await remove(documentOf(object("theirs/a"), object("theirs/&lt;b")));
  expect([status, refused(body)]).toEqual([200, ["theirs/a", "theirs/&lt;b"]]);
  expect(bodies).toEqual([]);
});

test.each([
  ["in references", "&#116;heirs/a"],
  ["with dots", "mine/../theirs/a"],
  ["with dots behind backslashes", "mine\\..\\theirs"],
  ["with a space in front", " mine/a"],
  ["with a slash in front", "/mine/a"],
  ["as a part of the allowed one", "mine"],
])("a key that is spelt %s", async (_, key) => {
  const { body } = await remove(documentOf(object("mine/a"), object(key)));
  expect(refused(body)).toHaveLength(1);
  expect(bodies).toEqual([documentOf(object("mine/a"), "")]);
});

test("a key twice is decided twice", async () => {
  const { body } = await remove(documentOf(object("theirs/a"), object("theirs/a"), object("mine/a")));
  expect(refused(body)).toEqual(["theirs/a", "theirs/a"]);
});

test("a policy may still deny all of it by its operation", async () => {
  const { status, body } = await remove(documentOf(object("mine/a")), "delete=");
  expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([403, "AccessDenied"]);
  expect(bodies).toEqual([]);
});

test("a document that is none is refused whole", async () => {
  for (const document of ["", "<Delete/>", `<Delete>${object("mine/a")}<!-- --></Delete>`])
    expect((await remove(document)).status).toBe(400);
  expect(bodies).toEqual([]);
});

test.each([
  ["refuses", 403, "<Error><Code>AccessDenied</Code></Error>", 403],
  ["finds out late that it cannot", 200, "<Error><Code>InternalError</Code></Error>", 200],
])("a storage that %s: its answer, without a word of what was left out", async (_, status, body, told) => {
  result = [status, body];
  expect(await remove(documentOf(object("mine/a"), object("theirs/a")))).toEqual({ status: told, body });
});

test("a storage that answers with something else is not believed", async () => {
  result = [200, "<DeleteResult>"];
  expect((await remove(documentOf(object("mine/a"), object("theirs/a")))).status).toBe(502);
});
