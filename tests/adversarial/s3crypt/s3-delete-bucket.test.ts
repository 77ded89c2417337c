/** DeleteBucket where manifests are all that is left, and where they are not: what an object needs is never taken away. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Gateway } from "./gateway.ts";
import { ask, signed, startS3 } from "./s3-requests.ts";

const MANIFESTS = ["0", "f"].map((digit) => `.s3crypt/${digit.repeat(32)}`);

let gateway: Gateway;
let keys: string[] = [];

/** One bucket. */
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url!, "http://storage");
  const key = pathname.replace(/^\/jail\/?/, "");
  if (request.method === "GET") {
    const [prefix, after] = [searchParams.get("prefix") ?? "", searchParams.get("start-after") ?? ""];
    const listed = keys
      .filter((each) => each.startsWith(prefix) && Buffer.compare(Buffer.from(each), Buffer.from(after)) > 0)
      .toSorted()
      .slice(0, Number(searchParams.get("max-keys") ?? 1000));
    response.end(
      `<ListBucketResult>${listed.map((each) => `<Contents><Key>${each}</Key></Contents>`).join("")}</ListBucketResult>`,
    );
  } else if (key === "") response.writeHead(keys.length === 0 ? 204 : 409).end();
  else {
    keys = keys.filter((each) => each !== key);
    response.writeHead(204).end();
  }
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  gateway = await startS3(["--connect-url", `http://127.0.0.1:${(server.address() as AddressInfo).port}`]);
});
afterAll(async () => {
  await gateway.stop();
  server.closeAllConnections();
  server.close();
});

const deleteBucket = async () => (await ask(gateway.s3Port, signed({ method: "DELETE", path: "/" }).head)).status;

test("of nothing but manifests they go, and so does the bucket", async () => {
  keys = [...MANIFESTS];
  expect(await deleteBucket()).toBe(204);
  expect(keys).toEqual([]);
});

test.each(["a", ".s3crypt", ".s3crypt.toml", ".s3crypt0", ".s3crypt/~", ".s3crypt/of-somebody-else"])(
  "with %j in it all stays",
  async (key) => {
    keys = [...MANIFESTS, key];
    expect(await deleteBucket()).toBe(409);
    expect(keys).toEqual([...MANIFESTS, key]);
  },
);
