/** Inventories in each format: rows by key, values by column, and what is wrong with one told with its line. */
import { describe, expect, test } from "bun:test";
import { InventoryError, type Inventory, type InventoryShape } from "../../../../lib/context/inventory.ts";
import { parsePointer } from "../../../../lib/context/json-pointer.ts";
import { readInventory } from "../../../../lib/context/read-inventory.ts";
import { parseTarget, type Target } from "../../../../lib/context/targets.ts";

const SET = ["user.groups = groups", "device.managed = managed", "risk.score = score", "user.team = team"];

function shape(options: Partial<InventoryShape> & { set?: string[]; at?: string }): InventoryShape {
  const { set = SET, at = "", ...rest } = options;
  return {
    format: "csv",
    column: "mail",
    keyType: "string",
    rows: parsePointer(at)!,
    delimiter: 0x2c,
    listSeparator: ";",
    targets: set.map((text) => parseTarget(text, false) as Target),
    ...rest,
  };
}

function read(text: string | Uint8Array, options: Parameters<typeof shape>[0] = {}): Inventory {
  const reading = readInventory(Buffer.from(text), shape(options));
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
  }
}

function refusal(text: string | Uint8Array, options: Parameters<typeof shape>[0] = {}): string {
  try {
    read(text, options);
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    return error.line === undefined ? error.message : `${error.line}: ${error.message}`;
  }
  throw new Error("accepted");
}

const CSV = 'mail,groups,managed,score,team\nada,"ops; dev",TRUE,12.5,"a ""b"""\n"gr,ace",,false,-3,\n,nobody,,,\n';
const ROWS = [
  { mail: "ada", groups: ["ops", "dev"], managed: true, score: 12.5, team: 'a "b"' },
  { mail: "gr,ace", managed: false, score: -3 },
  { groups: ["nobody"] },
];
const ADA = [["ops", "dev"], true, 12.5, 'a "b"'];
const GRACE = [undefined, false, -3, undefined];

describe("the same rows in each format", () => {
  const list = JSON.stringify(ROWS);
  const toml =
    '[[people]]\nmail = "ada"\ngroups = ["ops", "dev"]\nmanaged = true\nscore = 12.5\nteam = \'a "b"\'\n' +
    '[[people]]\nmail = "gr,ace"\nmanaged = false\nscore = -3\n[[people]]\ngroups = ["nobody"]\n';
  const named = JSON.stringify({ ada: ROWS[0], "gr,ace": ROWS[1] });
  const nested = JSON.stringify({ a: [{ rows: ROWS }] });
  test.each<[what: string, text: string, options: Parameters<typeof shape>[0]]>([
    ["CSV", CSV, {}],
    ["CSV with CRLF and a byte order mark", `\ufeff${CSV.replaceAll("\n", "\r\n")}`, {}],
    ["JSON, a list", list, { format: "json" }],
    ["JSON, a byte order mark", `\ufeff${list}`, { format: "json" }],
    ["JSON, named by key", named, { format: "json", column: undefined }],
    ["JSON, deeper", nested, { format: "json", at: "/a/0/rows" }],
    ["TOML, a list", toml, { format: "toml", at: "/people" }],
  ])("%s", (_what, text, options) => {
    const inventory = read(text, options);
    expect(inventory.size).toBe(2);
    expect(inventory.find("ada")).toEqual(ADA);
    expect(inventory.find("gr,ace")).toEqual(GRACE);
    for (const key of ["Ada", "eve", "", "ada ", "__proto__"]) expect(inventory.find(key)).toBeUndefined();
  });
});

test("TOML, named by key, as one would write it by hand", () => {
  const inventory = read('[ada]\ngroups = ["ops"]\nmanaged = true\n[grace]\nscore = 3\nteam = "x"\n', {
    format: "toml",
    column: undefined,
  });
  expect(inventory.find("ada")).toEqual([["ops"], true, undefined, undefined]);
});

test("pointers lead into a row", () => {
  const rows = JSON.stringify([{ mail: "ada", user: { groups: ["ops"] } }]);
  expect(read(rows, { format: "json", set: ["user.groups = /user/groups"] }).find("ada")).toEqual([["ops"]]);
});

test("other characters between cells and items", () => {
  const inventory = read("mail;groups\nada;ops,dev\n", {
    delimiter: 0x3b,
    listSeparator: ",",
    set: ["user.groups = groups"],
  });
  expect(inventory.find("ada")).toEqual([["ops", "dev"]]);
});

test("what is no number or truth value stays text, to be refused", () => {
  expect(read("mail,groups,managed,score,team\nada,,yes,1e3,\n").find("ada")).toEqual([
    undefined,
    "yes",
    "1e3",
    undefined,
  ]);
});

test("addresses are keys in whatever spelling", () => {
  const set = ["device.id = id"];
  const csv = read("ip,id\n2001:0DB8:0::1,six\n192.0.2.1,four\n", { column: "ip", keyType: "address", set });
  const json = read('{"2001:0DB8:0::1":{"id":"six"},"192.0.2.1":{"id":"four"}}', {
    format: "json",
    column: undefined,
    keyType: "address",
    set,
  });
  for (const inventory of [csv, json])
    expect(["2001:db8::1", "192.0.2.1"].map((key) => inventory.find(key))).toEqual([["six"], ["four"]]);
});

test("numbers are keys by their text", () => {
  expect(
    read('[{"uid":1000,"id":"x"}]', { format: "json", column: "uid", set: ["device.id = id"] }).find("1000"),
  ).toEqual(["x"]);
});

describe("refused", () => {
  const json = { format: "json" } as const;
  const one = ["user.groups = groups"];
  test.each<[text: string, options: Parameters<typeof shape>[0], why: string]>([
    ["", {}, "the inventory is empty: its first line names the columns"],
    ["mail,group\n", { set: one }, 'there is no column "groups"; did you mean "group"?'],
    ["e-mail,groups\n", { set: one }, 'there is no column "mail"; did you mean "e-mail"?'],
    ["mail,groups,groups\n", { set: one }, '1: two columns are named "groups"'],
    ["mail,groups\na,b\nc\n", { set: one }, "3: the row has 1 cells where the first line has 2"],
    ["mail,groups\na,b\nb,c\na,c\n", { set: one }, '4: the key "a" has a row already'],
    ['mail,groups\na,b\n"a",c\n', { set: one }, '3: the key "a" has a row already'],
    ['mail,groups\na,b\nb,"c\n', { set: one }, "3: a quoted cell does not end"],
    ["mail,groups\n1.2.3,x\n", { set: one, keyType: "address" }, '2: the key "1.2.3" is no address'],
    ["{", json, "the inventory is not JSON"],
    ["[1]", { ...json, set: one }, "a row is no table"],
    ['{"a":1}', { ...json, column: undefined }, 'the row of "a" is no table'],
    ["{}", json, 'there is no list of rows: say by "rows" where it is'],
    [
      "[]",
      { ...json, column: undefined },
      'the rows are not named: say which "column" has the key, and by "rows" where they are',
    ],
    ['[{"email":"a","groups":[]}]', { ...json, set: one }, 'no row has the column "mail"'],
    ['[{"mail":"a","group":[]}]', { ...json, set: one }, 'there is no column "groups"; did you mean "group"?'],
    ['[{"mail":"a","groups":[]},{"mail":"a","groups":[]}]', { ...json, set: one }, 'the key "a" has two rows'],
    [
      "[a]\nx = 1\n[a]\n",
      { format: "toml", column: undefined, set: one },
      "3: trying to redefine an already defined table or value",
    ],
  ])("%j", (text, options, why) => {
    expect(refusal(text, options)).toBe(why);
  });

  test("what is not UTF-8", () => {
    expect(refusal(Buffer.from([0xff]), json)).toBe("the inventory is not UTF-8");
    const latin1 = Buffer.from("mail,groups\nada,opérations\n", "latin1");
    expect(refusal(latin1, { set: one })).toBe("the inventory is not UTF-8");
  });
});

test("CSV is taken in slices", () => {
  const rows = Array.from({ length: 25_000 }, (_, i) => `u${i},g${i}\n`);
  const reading = readInventory(Buffer.from(`mail,groups\n${rows.join("")}`), shape({ set: ["user.groups = groups"] }));
  let pauses = 0;
  for (;;) {
    const step = reading.next();
    if (step.done) {
      expect(step.value.size).toBe(25_000);
      expect(step.value.find("u24999")).toEqual([["g24999"]]);
      break;
    }
    pauses++;
  }
  expect(pauses).toBe(2);
});
