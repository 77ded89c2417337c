/** The URL of a row in Grist: as its documentation has it, whatever the names. */
import { expect, test } from "bun:test";
import { gristUrl } from "../../../../lib/context/grist.ts";
import { UrlTemplate } from "../../../../lib/context/url-template.ts";

function path(base: string, names: { document: string; table: string; column: string }, key: string | number) {
  const template = UrlTemplate.parse(gristUrl(base, { ...names, key: "client.user" }), ["client.user"]);
  if ("error" in template) throw new Error(template.error);
  return template.expand([key])!;
}

const PETS = { document: "145", table: "Pets", column: "pet" };

/** support.getgrist.com/api: `{"pet": ["cat", "dog"]}` is `%7B%22pet%22%3A%20%5B%22cat%22%2C%20%22dog%22%5D%7D`. */
test("the filter means what the documentation's does", () => {
  const documented = JSON.parse(decodeURIComponent("%7B%22pet%22%3A%20%5B%22cat%22%2C%20%22dog%22%5D%7D")) as unknown;
  expect(documented).toEqual({ pet: ["cat", "dog"] });
  const url = new URL(`https://h${path("https://docs.getgrist.com", PETS, "cat")}`);
  expect(url.pathname).toBe("/api/docs/145/tables/Pets/records");
  expect(JSON.parse(url.searchParams.get("filter")!)).toEqual({ pet: ["cat"] });
  expect(url.searchParams.get("limit")).toBe("2");
});

test("a server below a path, with or without a slash at its end", () => {
  for (const base of ["https://h/grist/o/team", "https://h/grist/o/team/"])
    expect(path(base, PETS, "x")).toStartWith("/grist/o/team/api/docs/145/tables/Pets/records?");
});

test("names and keys that hold what a URL, JSON or the template means something by", () => {
  const names = { document: "a/b?c#d{e}%", table: "t&u", column: 'the "{col}" & more' };
  for (const key of ['x","y', "{client.user}", "a&limit=0", "é🙂", 7]) {
    const url = new URL(`https://h${path("https://h", names, key)}`);
    expect(url.pathname.split("/").map(decodeURIComponent)).toEqual([
      "",
      "api",
      "docs",
      names.document,
      "tables",
      names.table,
      "records",
    ]);
    expect(JSON.parse(url.searchParams.get("filter")!)).toEqual({ [names.column]: [key] });
    expect(url.searchParams.get("limit")).toBe("2");
  }
});
