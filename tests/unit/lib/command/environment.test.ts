/** Values out of environment variables: only those that a definition names and that are not empty. */

import { expect, test } from "bun:test";
import { environmentArgs } from "../../../../lib/command/environment.ts";

const ARGS = {
  cert: { type: "string", env: "CERT_PATH", description: "" },
  cacert: { type: "string", multiple: true, env: "CACERT_PATH", description: "" },
  key: { type: "string", env: "KEY_PATH", description: "" },
  quiet: { type: "boolean", description: "" },
  listen: { type: "string", description: "" },
} as const;

test("a named variable is the value, one of a list for a repeatable flag", () => {
  const env = { CERT_PATH: "c", CACERT_PATH: "a:b", KEY_PATH: "", LISTEN: "l", listen: "l" };
  expect([...environmentArgs(ARGS, env)]).toEqual([
    ["cert", "c"],
    ["cacert", ["a:b"]],
  ]);
  expect([...environmentArgs(ARGS, {})]).toEqual([]);
});
