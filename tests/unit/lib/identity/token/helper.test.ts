/** What the process of a module is told by its environment. That it does what it is asked is process.test.ts. */
import { expect, test } from "bun:test";
import { helperEnvironment } from "../../../../../lib/identity/token/helper.ts";

test("its environment is the program's, without the PIN and the inspector's address", () => {
  const env = { PATH: "/bin", PKCS11_PIN: "1234", BUN_INSPECT: "ws://127.0.0.1:1/x", GONE: undefined };
  expect(helperEnvironment(env)).toEqual({ PATH: "/bin", PORTAIL_TOKEN_HELPER: "1" });
});
