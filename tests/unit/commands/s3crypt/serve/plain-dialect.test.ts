/** What requests mean to Swift, and to a storage that is none; what could carry an object past the cipher is refused. */
import { describe, expect, test } from "bun:test";
import type { Asked } from "../../../../../commands/s3crypt/serve/dialect.ts";
import { PlainDialect } from "../../../../../commands/s3crypt/serve/plain-dialect.ts";

const dialect = new PlainDialect();

function asked(method: string, target: string, more: Partial<Asked> = {}): Asked {
  const [path = "", query] = target.split("?", 2);
  return {
    method,
    path,
    rest: path,
    root: "/upstream/",
    isForStorage: true,
    query: query ?? "",
    hasQuery: query !== undefined,
    headers: [],
    length: 0,
    ...more,
  };
}

const told = (method: string, target: string, more?: Partial<Asked>) => {
  const { kind, operation, bucket, key } = dialect.classify(asked(method, target, more));
  return [kind, operation, bucket, key];
};

test("of what is listed only containers of Swift are looked into, and only where sizes are to be exact", () => {
  const kindOf = (method: string, target: string, by = new PlainDialect("exact")) =>
    by.classify(asked(method, target)).kind;
  expect(kindOf("GET", "/v1/AUTH_a/box?format=json")).toBe("own");
  expect(kindOf("GET", "/v1.0/AUTH_a/box/")).toBe("own");
  expect(kindOf("HEAD", "/v1/AUTH_a/box")).toBe("pass");
  expect(kindOf("GET", "/v1/AUTH_a")).toBe("pass");
  expect(kindOf("GET", "/dav/box/")).toBe("read");
  expect(kindOf("GET", "/box/")).toBe("pass");
  expect(kindOf("GET", "/v1/AUTH_a/box", new PlainDialect("raw"))).toBe("pass");
});

const OBJECT = "/v1/AUTH_a/box/in/x%20y";

describe("of Swift", () => {
  test.each([
    ["GET", OBJECT, "read", "GetObject", "box", "in/x y"],
    ["HEAD", OBJECT, "head", "HeadObject", "box", "in/x y"],
    ["PUT", OBJECT, "store", "PutObject", "box", "in/x y"],
    ["DELETE", OBJECT, "pass", "DeleteObject", "box", "in/x y"],
    ["POST", OBJECT, "pass", "PostObject", "box", "in/x y"],
    ["COPY", OBJECT, "pass", "CopyObject", "box", "in/x y"],
    ["GET", "/v1/AUTH_a/box", "pass", "ListObjects", "box", undefined],
    ["GET", "/v1/AUTH_a/box/?prefix=a", "pass", "ListObjects", "box", undefined],
    ["PUT", "/v1/AUTH_a/box", "pass", "CreateBucket", "box", undefined],
    ["HEAD", "/v1/AUTH_a", "pass", "HeadBucket", undefined, undefined],
    ["GET", "/v1/AUTH_a/", "pass", "ListObjects", undefined, undefined],
    ["DELETE", "/v1/AUTH_a?bulk-delete", "pass", "DeleteBucket", undefined, undefined],
    // What comes of it is held against --plaintext as all else is.
    ["GET", `${OBJECT}?multipart-manifest=get`, "read", "GetObject", "box", "in/x y"],
  ])("%s %s: %s", (method, target, ...expected) => {
    expect(told(method, target)).toEqual(expected as never);
  });

  test.each([
    ["a form", "POST", OBJECT, { length: 10 }],
    ["a form in chunks", "POST", "/v1/AUTH_a/box", { length: undefined }],
    ["an archive", "PUT", "/v1/AUTH_a/box?extract-archive=tar", { length: 10 }],
    ["an archive, spelt otherwise", "PUT", `${OBJECT}?e%78tract-archive=tar`, { length: 10 }],
    ["an archive by POST", "POST", "/v1/AUTH_a?bulk-delete&extract-archive=tar", { length: 10 }],
    ["a manifest", "PUT", `${OBJECT}?multipart-manifest=put`, { length: 10 }],
    ["a manifest of a prefix", "PUT", OBJECT, { headers: [["X-Object-Manifest", "box/in"]] }],
    ["the same by POST", "POST", OBJECT, { headers: [["x-object-manifest", "box/in"]] }],
    ["a container with content", "PUT", "/v1/AUTH_a/box", { length: 10 }],
    ["a read with content", "GET", OBJECT, { length: 10 }],
    ["a copy with content", "COPY", OBJECT, { length: 10 }],
    ["a copy into place with content", "PUT", OBJECT, { length: 1, headers: [["X-Copy-From", "a/b"]] }],
    ["PATCH", "PATCH", OBJECT, {}],
    ["REPORT", "REPORT", OBJECT, {}],
    ["TRACE", "TRACE", OBJECT, {}],
  ] as const)("%s is refused", (_, method, target, more) => {
    expect(told(method, target, more as Partial<Asked>)[0]).toBe("refuse");
  });

  test("copies and links without content pass", () => {
    for (const name of ["X-Copy-From", "X-Symlink-Target"])
      expect(told("PUT", OBJECT, { headers: [[name, "a/b"]] })[0]).toBe("pass");
  });

  test.each([
    "/v1/A/b/../c/d",
    "/v1/A/b/%2e%2e/c",
    "/v1/A/b/.%2E/c",
    "/v1/A/./b/c",
    "/v1/A/b%2f..%2fc",
    "/v1/A/b/..\\c",
  ])("what %s is about cannot be told", (path) => {
    expect(told("GET", path).slice(2)).toEqual([undefined, undefined]);
  });
});

test("of another storage the first segment is the bucket, and what has no other is an object", () => {
  expect(told("GET", "/box/a/b")).toEqual(["read", "GetObject", "box", "a/b"]);
  expect(told("PUT", "/box")).toEqual(["store", "PutObject", "box", undefined]);
  expect(told("GET", "/box/")).toEqual(["pass", "ListObjects", "box", undefined]);
  expect(told("GET", "/")).toEqual(["pass", "ListObjects", undefined, undefined]);
});

describe("checksums", () => {
  const claims = (...headers: [string, string][]) => {
    const action = dialect.classify(asked("PUT", OBJECT, { length: 5, headers }));
    return action.kind === "store" ? action.claims : action.kind === "refuse" ? action.trouble.code : action.kind;
  };

  test("of Content-MD5 and ETag are taken", () => {
    const value = Uint8Array.from(Buffer.from("0123456789abcdef0123456789abcdef", "hex"));
    expect(claims(["Content-MD5", Buffer.from(value).toString("base64")])).toMatchObject([
      { name: "MD5", value, wrong: { code: "bad_digest" } },
    ]);
    for (const text of ["0123456789abcdef0123456789abcdef", '"0123456789ABCDEF0123456789abcdef"'])
      expect(claims(["etag", text])).toMatchObject([{ name: "MD5", value, wrong: { code: "wrong_etag" } }]);
  });

  test.each([
    ["Content-MD5", "AAAA", "bad_digest"],
    ["Content-MD5", "", "bad_digest"],
    ["ETag", "abc", "wrong_etag"],
    ["ETag", "0123456789abcdef0123456789abcdef-2", "wrong_etag"],
  ])("%s: %s is none", (name, text, code) => {
    expect(claims([name, text])).toBe(code as never);
  });
});

test.each([
  ["", undefined],
  ["temp_url_sig=a&temp_url_expires=1800000000", 1_800_000_000_000],
  ["temp_url_expires=2027-01-15T08:00:00Z", 1_800_000_000_000],
  ["temp%5Furl_expires=1800000000", 1_800_000_000_000],
  ["temp_url_expires=soon", Infinity],
])("the right of %s ends at %p", (query, expiry) => {
  expect(dialect.expiryOf(asked("PUT", `${OBJECT}?${query}`))).toBe(expiry);
});

describe("a path that Swift takes apart otherwise than it is written names nothing to a policy, and is never passed by", () => {
  test.each([
    "/v1/AUTH_a%2Fsecret/box/x",
    "/v1%2FAUTH_a/box/x",
    "/%76%31/AUTH_a/box/x",
    "/v1/AUTH_a%2Fbox%2Fx",
    "/v1/AUTH_a/box%2Fx",
    "/v1/AUTH_a%2fbox",
    "/v1/AUTH_a/box/%ff",
  ])("%s", (path) => {
    expect(told("GET", path)).toEqual(["read", "GetObject", undefined, undefined]);
    expect(told("PUT", path, { length: 5 })).toEqual(["store", "PutObject", undefined, undefined]);
    expect(told("DELETE", path)).toEqual(["pass", "DeleteObject", undefined, undefined]);
  });

  test("a slash that is encoded within a key is one of the key's", () => {
    expect(told("GET", "/v1/AUTH_a/box/a%2Fb%252Fc")).toEqual(["read", "GetObject", "box", "a/b%2Fc"]);
  });
});

test("a symbolic link is a copy to a policy, and an underscore in a field's name hides nothing", () => {
  const put = (name: string, length: number | undefined) =>
    told("PUT", OBJECT, { length, headers: [[name, "secret/x"]] }).slice(0, 2);
  expect(put("X-Symlink-Target", 0)).toEqual(["pass", "CopyObject"]);
  expect(put("X-Symlink-Target", undefined)).toEqual(["store", "CopyObject"]);
  expect(put("X_Copy_From", 0)).toEqual(["pass", "CopyObject"]);
  expect(put("X_Object_Manifest", 0)).toEqual(["refuse", "PutObject"]);
});
