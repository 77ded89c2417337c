/** A page of connections: which, in which order, and what it costs. */
import { expect, test } from "bun:test";
import { pageOf, type OpenConnection } from "../../../../lib/status/connections.ts";

let described = 0;

function connection(name: string, started: number | undefined, bytes = 0): OpenConnection {
  return {
    started,
    sent: bytes,
    received: bytes,
    describe: () => (described++, { who: "", client: name, target: "t", route: "r", state: "open" }),
  };
}

const names = (open: OpenConnection[], query: string) => {
  return pageOf(open, new URLSearchParams(query), 10_000).rows.map(({ client }) => client);
};

test("by age, what is newest, what moved most; one that is too new for an age is the newest", () => {
  const open = [
    connection("b", 2000, 1),
    connection("new", undefined),
    connection("a", 1000, 7),
    connection("c", 3000, 5),
  ];
  expect(names(open, "")).toEqual(["a", "b", "c", "new"]);
  expect(names(open, "sort=new")).toEqual(["new", "c", "b", "a"]);
  expect(names(open, "sort=bytes")).toEqual(["a", "c", "b", "new"]);
  const ages = pageOf(open, new URLSearchParams(), 10_000).rows.map(({ age }) => age);
  expect(ages).toEqual([9, 8, 7, undefined]);
});

test("of 8,000 a page of fifty is described, and the rest is counted", () => {
  const open = Array.from({ length: 8000 }, (_, i) => connection(`n${i}`, i));
  described = 0;
  expect(pageOf(open, new URLSearchParams("page=3"), 10_000)).toMatchObject({
    from: 100,
    total: 8000,
    page: 3,
    pages: 160,
    rows: expect.arrayContaining([expect.objectContaining({ client: "n100" })]),
  });
  expect(described).toBe(50);
});

test.each(["sort=constructor", "page=0", "page=-1", "page=1e3", "page=99999999999999999999", "page=x&sort=x", "page="])(
  "%s means the first page, by age",
  (query) =>
    expect(pageOf([connection("a", 1)], new URLSearchParams(query), 2)).toMatchObject({ page: 1, order: "age" }),
);

test("a page beyond the last is the last", () => {
  const open = Array.from({ length: 60 }, (_, i) => connection(`n${i}`, i));
  expect(names(open, "page=999")).toHaveLength(10);
  expect(names([], "page=7")).toEqual([]);
});
