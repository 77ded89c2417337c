/** A table in Grist as a provider, by its REST API as documented (support.getgrist.com/api: fetch records, CellValue); nginx says what Grist would. */
import { beforeAll, expect, test } from "bun:test";
import { Asking } from "../../support/asking-scene.ts";
import { JsonService } from "../../support/json-service.ts";
import { scenario } from "../../support/scenario.ts";

/** The documentation's own document and answer: `RecordsList` of its OpenAPI description. */
const DOCUMENT = "145";
const PETS = { records: [{ id: 1, fields: { pet: "cat", popularity: 67 } }] };
const BOTH = {
  records: [
    { id: 1, fields: { pet: "cat", popularity: 67 } },
    { id: 2, fields: { pet: "dog", popularity: 95 } },
  ],
};
/** Cells as documented: a list is `["L", …]`, a date `["d", …]`, an empty text "". */
const people = (fields: object) => JSON.stringify({ records: [{ id: 7, fields }] });
const FILES = {
  "/rows/cat.json": JSON.stringify(PETS),
  "/rows/dog.json": JSON.stringify(BOTH),
  "/rows/none.json": '{"records": []}',
  "/rows/ada.json": people({ Email: "ada", Groups: ["L", "ops", "staff"], Managed: true, Team: "" }),
  "/rows/grace.json": people({ Email: "grace", Groups: ["L", "staff"], Managed: true, Team: "net" }),
  "/rows/lonely.json": people({ Email: "lonely", Groups: null, Managed: true }),
  "/rows/dated.json": people({ Email: "dated", Groups: ["d", 1704844800], Managed: true }),
  "/rows/failed.json": people({ Email: "failed", Groups: ["E", "ValueError"], Managed: true }),
};

/** `{"pet":["cat"]}`, encoded as the documentation has it, but for blanks; colons stay. */
const filter = (column: string, key: string) =>
  encodeURIComponent(JSON.stringify({ [column]: [key] })).replaceAll("%3A", ":");
const KEYS = [
  ["pet", "cat"],
  ["pet", "dog"],
  ...["ada", "grace", "lonely", "dated", "failed"].map((name) => ["Email", name] as const),
] as const;

const HTTP = `map $arg_filter $row {
    default none;
    ${KEYS.map(([column, key]) => `"${filter(column, key)}" ${key};`).join("\n    ")}
  }`;
/** No answer without the key of the API; and only for these tables. */
const SERVER = `
    location ~ ^/api/docs/${DOCUMENT}/tables/(People|Pets)/records$ {
      if ($http_authorization != "Bearer grist-api-key") { return 403; }
      try_files /rows/$row.json =404;
    }`;

scenario(import.meta.file, ["curl", "htpasswd", "nginx"], ({ scene, portail }) => {
  let service: JsonService;
  let token: string;
  beforeAll(async () => {
    service = await JsonService.open(scene, { files: FILES, http: HTTP, server: SERVER });
    token = scene.write("api-key", "grist-api-key\n", 0o600);
  });
  const grist = (table: string, column: string, set: readonly string[]) => `
[provider.grist]
kind = "grist"
url = "http://127.0.0.1:${service.port}"
document = "${DOCUMENT}"
table = "${table}"
column = "${column}"
key = "client.user"
set = ${JSON.stringify(set)}
token-file = "${token}"
`;
  const open = (users: readonly string[], providers: string, when: string) =>
    Asking.open(scene, portail, users, { providers, when });

  test("the documentation's own example", async () => {
    const providers = grist("Pets", "pet", ["risk.score = popularity", "user.pet = pet"]);
    const asking = await open(["cat", "dog", "eel"], providers, 'risk.score == 67 and user.pet == "cat"');
    expect(await asking.decided("cat")).toMatchObject({
      decision: "allow",
      facts: { "risk.score": 67, "user.pet": "cat" },
      got: true,
    });
    expect(service.asked.at(-1)).toBe(
      `/api/docs/145/tables/Pets/records?filter=%7B%22pet%22:%5B%22cat%22%5D%7D&limit=2 Bearer grist-api-key -`,
    );
    // Two rows: nobody knows which is meant.
    expect(await asking.decided("dog")).toMatchObject({ decision: "deny", missing: "risk.score" });
    expect(await asking.decided("eel")).toMatchObject({ decision: "deny", missing: "risk.score" });
    expect(asking.proxy.program.stderr).toContain("the table has two rows for a key");
  });

  test("lists of choices are groups, and what is no list of texts is none", async () => {
    const set = ["user.groups = Groups", "device.managed = Managed", "user.team = Team"];
    const users = ["ada", "grace", "lonely", "dated", "failed", 'x","ada'];
    const asking = await open(users, grist("People", "Email", set), '"ops" in user.groups and device.managed == true');
    const ada = await asking.decided("ada");
    expect(ada).toMatchObject({
      decision: "allow",
      facts: { "user.groups": ["ops", "staff"], "device.managed": true },
    });
    expect(await asking.decided("grace")).toMatchObject({
      decision: "deny",
      reason: "default",
      facts: { "user.groups": ["staff"] },
    });
    for (const user of ["lonely", "dated", "failed"])
      expect(await asking.decided(user)).toMatchObject({ decision: "deny", missing: "user.groups" });
    // A name that would end its quotes is one name.
    expect(await asking.decided(users.at(-1)!)).toMatchObject({ decision: "deny", missing: "user.groups" });
    expect(service.asked.at(-1)).toContain("%5B%22x%5C%22%2C%5C%22ada%22%5D");
  });

  test("the same by kind http, with a filter and pointers of one's own", async () => {
    const asking = await open(
      ["ada", "grace"],
      `[provider.people]
kind = "http"
url = 'http://127.0.0.1:${service.port}/api/docs/${DOCUMENT}/tables/People/records?filter={{"Email":[{client.user:json}]}}'
key = "client.user"
set = ["device.managed = /records/0/fields/Managed", "user.email = /records/0/fields/Email"]
token-file = "${token}"
`,
      'device.managed == true and user.email == "ada"',
    );
    expect(await asking.decided("ada")).toMatchObject({ decision: "allow", got: true });
    expect(await asking.decided("grace")).toMatchObject({ decision: "deny", reason: "default" });
  });

  test("without the key of the API nothing is known", async () => {
    const wrong = grist("People", "Email", ["user.groups = Groups"]).replace(
      token,
      scene.write("wrong-key", "other\n"),
    );
    const asking = await open(["ada"], wrong, '"ops" in user.groups');
    expect(await asking.decided("ada")).toMatchObject({ decision: "deny", missing: "user.groups" });
    expect(asking.proxy.program.stderr).toContain("the answer is 403");
  });
});
