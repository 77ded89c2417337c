/** `[provider.NAME]` tables: what they mean, and that each mistake is told with its line and what to do. */
import { resolve } from "node:path";
import { describe, expect, test } from "bun:test";
import socks from "../../../../commands/socks/index.ts";
import { parseConfig } from "../../../../lib/command/config.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { parseProviders } from "../../../../lib/context/plan.ts";

function plans(text: string) {
  return parseProviders(parseConfig(text, "p.toml", socks), "socks", "/etc/portail");
}

function refusal(text: string): { message: string; hint: string | undefined; code: string } {
  try {
    plans(text);
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    expect(error.exit).toBe(78);
    const { message, hint, code } = error;
    return { message, hint, code };
  }
  throw new Error(`accepted: ${text}`);
}

const FILE = '[provider.p]\nkind = "file"\nkey = "client.user"\nset = ["user.groups = groups"]\n';
const HTTP = '[provider.p]\nkind = "http"\nkey = "client.user"\nset = ["user.groups = /groups"]\n';
const GRIST = '[provider.p]\nkind = "grist"\nkey = "client.user"\nset = ["user.groups = Groups"]\n';
const PROGRAM = '[provider.p]\nkind = "program"\nkey = "client.user"\nset = ["user.groups"]\n';

describe("what is meant", () => {
  test("an inventory: its format by its name, its path from the working directory", () => {
    const [plan] = plans(`${FILE}file = "people.csv"\ncolumn = "mail"\ndelimiter = ";"\nlist-separator = "|"\n`);
    expect(plan).toMatchObject({
      name: "p",
      kind: "file",
      key: ["client.user"],
      targets: [{ fact: "user.groups", type: "strings", from: "groups" }],
      inventory: {
        format: "csv",
        column: "mail",
        delimiter: 59,
        listSeparator: "|",
        path: "/etc/portail/people.csv",
        name: "people.csv",
      },
    });
    expect(plans(`${FILE}file = "people.TOML"\n`)).toMatchObject([
      { inventory: { format: "toml", column: undefined } },
    ]);
    expect(plans(`${FILE}file = "x"\nformat = "json"\nrows = "/a"\n`)).toMatchObject([
      { inventory: { format: "json", rows: ["a"] } },
    ]);
  });

  test("a web service, with times and bounds of its own", () => {
    const times = 'ttl = "1m"\nnegative_ttl = "1s"\nstale = "1h"\ntimeout = "300ms"\n';
    const bounds = 'max-entries = 7\nmax-size = "1K"\nmax-outstanding = 3\n';
    const trust = 'trust = "ours"\n[trust.ours]\ncacert = ["ca.pem"]\n';
    const [plan] = plans(`${HTTP}url = "https://people.example/{client.user}"\n${times}${bounds}${trust}`);
    expect(plan).toMatchObject({
      kind: "web",
      limits: { ttl: 60_000, negativeTtl: 1000, stale: 3_600_000, timeout: 300, entries: 7, outstanding: 3 },
      web: { answers: "json", most: 1024, timeout: 300 },
      trust: { cacert: ["ca.pem"] },
    });
  });

  test("without them", () => {
    const [plan] = plans(`${HTTP}url = "http://127.0.0.1:8000/{client.user}"\n`);
    expect(plan).toMatchObject({
      limits: { ttl: 300_000, negativeTtl: 30_000, stale: 0, timeout: 2000, entries: 10_000, outstanding: 32 },
      web: { most: 65_536 },
      headers: [],
      trust: undefined,
    });
  });

  test("secrets are files, and print as none", () => {
    const secrets = 'token-file = "token"\nheader-file = ["X-Api-Key: credential:key"]\n';
    const [plan] = plans(`${HTTP}url = "https://h/{client.user}"\n${secrets}`);
    expect(plan).toMatchObject({
      headers: [
        { name: "X-Api-Key", prefix: "" },
        { name: "Authorization", prefix: "Bearer " },
      ],
    });
    expect(JSON.stringify(plan)).toContain('"[secret]"');
  });

  test("providers in the order in which they are asked", () => {
    const device = PROGRAM.replace(".p]", ".device]")
      .replace("client.user", "user.email")
      .replace("user.groups", "device.id");
    const people = FILE.replace("user.groups = groups", "user.email = mail");
    const found = plans(`${device}command = ["x"]\n${people}file = "p.json"\n`);
    expect(found.map(({ name }) => name)).toEqual(["p", "device"]);
  });
});

test("what the description of the command shows is taken", async () => {
  const text = await Bun.file(resolve(import.meta.dir, "../../../../commands/socks/README.md")).text();
  const blocks = [...text.matchAll(/^```toml\n(.*?)^```/gms)].map(([, block]) => block!);
  const [whole, ...parts] = blocks.filter((block) => !/^\[(ada|backend\.\w+)\]/m.test(block));
  expect(plans(whole!).map(({ name }) => name)).toEqual(["people", "risk", "devices", "places"]);
  expect(parts.length).toBe(2);
  for (const part of parts) {
    const kind = part.includes("command") ? 'kind = "program"\nset = ["user.groups"]\n' : "";
    expect(plans(`[provider.p]\nkey = "client.user"\n${kind}${part}`).length).toBe(1);
  }
});

describe("refused", () => {
  const URL = 'url = "https://h/{client.user}"\n';
  test.each<[text: string, message: string, hint: string | RegExp | undefined]>([
    [`${FILE}fil = "x.csv"\n`, 'p.toml:5: unknown key "fil"', 'did you mean "file"?'],
    ['[provider.p]\nkind = "file"\n', 'p.toml:1: "key" is required in "provider.p"', undefined],
    [
      FILE.replace('"file"', '"fil"'),
      'p.toml:2: [provider.p]: kind: "fil" is not a value it takes',
      /file, http, grist/,
    ],
    [FILE, 'p.toml:2: [provider.p]: kind file needs "file"', /inventory/],
    [`${FILE}file = "x.csv"\n`, 'p.toml:5: [provider.p]: CSV needs "column"', /names the column/],
    [`${FILE}file = "x.xls"\n`, 'p.toml:5: [provider.p]: the name of "x.xls" tells no format', /"format"/],
    [`${FILE}file = "x.json"\n\nttl = "5s"\n`, 'p.toml:7: [provider.p]: "ttl" is not for kind file', /it takes file/],
    [
      `${FILE}file = "x.json"\nunsafe_http = true\n`,
      'p.toml:6: [provider.p]: "unsafe-http" is not for kind file',
      /file/,
    ],
    [`${FILE}file = "x.json"\ndelimiter = ";"\n`, 'p.toml:6: [provider.p]: "delimiter" is for CSV only', undefined],
    [`${FILE}file = "x.csv"\ncolumn = "a"\nrows = "/a"\n`, 'p.toml:7: [provider.p]: "rows" is not for CSV', /rows/],
    [
      `${FILE}file = "x.csv"\ncolumn = "a"\ndelimiter = ";;"\n`,
      'p.toml:7: [provider.p]: delimiter: ";;" is not one character',
      undefined,
    ],
    [`${FILE}file = "x.json"\nrows = "a"\n`, 'p.toml:6: [provider.p]: "a" is no JSON pointer', /users/],
    [FILE.replace("client.user", "client.usr"), 'p.toml:2: [provider.p]: kind file needs "file"', /inventory/],
    [
      `${FILE.replace("client.user", "client.usr")}file = "x.json"\n`,
      'p.toml:3: [provider.p]: "client.usr" is no fact that socks knows',
      "did you mean client.user?",
    ],
    [
      `${FILE.replace("client.user", "tunnel.name")}file = "x.json"\n`,
      'p.toml:3: [provider.p]: "tunnel.name" is no fact that socks knows',
      undefined,
    ],
    [
      `${FILE.replace("client.user", "client.dns")}file = "x.json"\n`,
      "p.toml:3: [provider.p]: client.dns has the type strings, which is not one plain value",
      /key is/,
    ],
    [
      `${FILE.replace("client.user", "dest.ip")}file = "x.json"\n`,
      "p.toml:3: [provider.p]: dest.ip is known only once this is decided",
      /key is/,
    ],
    [
      `${FILE.replace('"client.user"', '["client.user", "client.ip"]')}file = "x.json"\n`,
      "p.toml:3: [provider.p]: kind file looks up one fact",
      /several keys/,
    ],
    [
      `${HTTP.replace('"client.user"', '["client.user", "client.user"]')}${URL}`,
      "p.toml:3: [provider.p]: a key is named twice",
      undefined,
    ],
    [
      `${FILE.replace("user.groups", "client.groups")}file = "x.json"\n`,
      'p.toml:4: [provider.p]: "client.groups" is not a fact to set',
      /user\.\*/,
    ],
    [
      `${FILE.replace('["user.groups = groups"]', '["user.groups = a", "user.groups = b"]')}file = "x.json"\n`,
      "p.toml:4: [provider.p]: user.groups is set twice",
      undefined,
    ],
    [
      `${HTTP.replace("= /groups", "= groups")}${URL}`,
      'p.toml:4: [provider.p]: "groups" is no JSON pointer',
      /RFC 6901/,
    ],
    [`${HTTP}url = "https://h/"\n`, "p.toml:5: [provider.p]: the URL does not ask for client.user", /\{client\.user\}/],
    [
      `${HTTP}url = "https://h/{client.ip}"\n`,
      "p.toml:5: [provider.p]: {client.ip} is no key of this provider",
      /client\.user/,
    ],
    [
      `${HTTP}url = "http://h.example/{client.user}"\n`,
      "p.toml:5: [provider.p]: anybody on the way to h.example can change the facts",
      /unsafe-http/,
    ],
    [`${HTTP}${URL}trust = "x"\n`, "p.toml:6: [provider.p]: there is no table [trust.x]", "write [trust.x]"],
    [`${HTTP}${URL}ttl = "5"\n`, 'p.toml:6: [provider.p]: ttl: "5" is not a duration', /250ms/],
    [`${HTTP}${URL}max_entries = 0\n`, 'p.toml:6: [provider.p]: max-entries: "0" is not in range', /from 1/],
    [`${HTTP}${URL}max-size = "1G"\n`, 'p.toml:6: [provider.p]: max-size: "1G" is not in range', /from 256/],
    [
      `${HTTP}${URL}header-file = ["Host: x"]\n`,
      'p.toml:6: [provider.p]: "Host: x" names no header and file',
      /X-Api-Key/,
    ],
    [
      `${HTTP}${URL}header-file = ["A b: x"]\n`,
      'p.toml:6: [provider.p]: "A b: x" names no header and file',
      /X-Api-Key/,
    ],
    [`${GRIST}url = "https://h"\n`, 'p.toml:2: [provider.p]: kind grist needs "document"', /document in Grist/],
    [
      `${GRIST}url = "https://h/?x"\ndocument = "d"\ntable = "t"\ncolumn = "c"\n`,
      "p.toml:5: [provider.p]: the URL is not that of a server of Grist",
      undefined,
    ],
    [`${PROGRAM}command = []\n`, 'p.toml:2: [provider.p]: kind program needs "command"', /one word each/],
    [`${PROGRAM}command = [""]\n`, "p.toml:5: [provider.p]: the program is missing", undefined],
    [
      `${PROGRAM.replace('"user.groups"', '"user.groups = x"')}command = ["x"]\n`,
      'p.toml:4: [provider.p]: "user.groups = x" says more than a fact',
      undefined,
    ],
    [
      `${PROGRAM.replace(".p]", ".a]").replace("client.user", "device.id").replace("user.groups", "user.email")}command = ["x"]\n${PROGRAM.replace(".p]", ".b]").replace("client.user", "user.email").replace("user.groups", "device.id")}command = ["x"]\n`,
      "p.toml:3: [provider.a]: a waits for b, which waits for a",
      /comes from the connection/,
    ],
    [
      `${PROGRAM.replace("client.user", "user.groups")}command = ["x"]\n`,
      "p.toml:3: [provider.p]: user.groups has the type strings, which is not one plain value",
      /key is/,
    ],
    [
      `${PROGRAM.replace("client.user", "user.email").replace("user.groups", "user.email")}command = ["x"]\n`,
      "p.toml:3: [provider.p]: p waits for p",
      /comes from/,
    ],
  ])("%#", (text, message, hint) => {
    const found = refusal(text);
    expect(found.message).toBe(message);
    if (hint !== undefined) expect(found.hint).toMatch(hint);
  });

  test("a secret in a URL is refused, and not repeated", () => {
    const { message } = refusal(`${HTTP}url = "https://ada:s3cret@h/{client.user}"\n`);
    expect(message).toBe("p.toml:5: [provider.p]: a URL holds no user and no password");
  });
});
