/** Which packages are missing, by the programs that are there. */

import { expect, test } from "bun:test";
import { missingPackages, PEERS, whichPeer } from "../../../scripts/peer-list.ts";

test("missingPackages() names the packages of programs that are not found, and no others", () => {
  expect(missingPackages(() => "/bin/x")).toEqual([]);
  expect(missingPackages((program) => (program === "nc.openbsd" ? null : "/bin/x"))).toEqual(["netcat-openbsd"]);
  expect(missingPackages(() => null)).toHaveLength(new Set(Object.values(PEERS)).size);
});

test("whichPeer() looks where PATH says and where daemons stand", () => {
  expect(whichPeer("sh", "/bin")).toBe("/bin/sh");
  expect(whichPeer("no-such-program-here", "/bin")).toBeNull();
  expect(whichPeer("python3:no_such_module_here")).toBeNull();
});
