/** How those with a key in a token are put together: who sees the token, and who has the key in a file. */
import { expect, test } from "bun:test";
import { tokenContenders } from "../../../bench/tokens/contenders.ts";

const PLACE = { env: { SOFTHSM2_CONF: "/d/softhsm2.conf" }, uri: "pkcs11:whole", bareUri: "pkcs11:bare" };
const link = { listen: 52_001, dial: 52_001, resume: false };
const everyone = tokenContenders("bun  cli/main.ts", PLACE).filter(({ setup }) => setup !== undefined);

/** All that the server side is told. */
const told = (name: string) => {
  const { setup } = everyone.find((one) => one.name === name)!;
  const { daemons, files } = setup!({ port: 52_003, targetPort: 52_004, link, dir: "/d" });
  const { argv } = daemons.find(({ port }) => port === 52_001)!;
  return [...argv, ...argv.map((word) => files[word.replace("/d/", "")] ?? "")].join(" ");
};

test("everyone is here", () => {
  const names = ["portail", "portail-in-memory", "stunnel-engine", "stunnel-in-memory"];
  expect(everyone.map(({ name }) => name)).toEqual(names);
});

test.each([
  ["portail", "pkcs11:whole"],
  ["stunnel-engine", "pkcs11:bare"],
])("%s sees the token, and no file with the key", (name, uri) => {
  expect(told(name)).toStartWith("env SOFTHSM2_CONF=/d/softhsm2.conf ");
  expect(told(name)).toContain(uri);
  expect(told(name)).not.toContain("/d/server.key");
});

test.each(["portail-in-memory", "stunnel-in-memory"])("%s has it", (name) => {
  expect(told(name)).toContain("/d/server.key");
  expect(told(name)).not.toContain("pkcs11");
});
