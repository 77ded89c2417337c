/** The address of a test case: what is nearer wins, whichever of the two ways it is given in. */
import { expect, test } from "bun:test";
import { ip, policyOf, troubles } from "../support.ts";

const given = (block: string, row: string) => {
  const { tests } = policyOf(`test "t" { given { ${block} } case { ${row} } expect deny }`).program;
  return { address: tests[0]!.given["dest.ip"], resolves: tests[0]!.resolves };
};

test.each([
  ["dest.ip = 10.0.0.1", "", { address: ip("10.0.0.1"), resolves: undefined }],
  ["resolves = [10.0.0.1]", "", { address: undefined, resolves: [ip("10.0.0.1")] }],
  ["dest.ip = 10.0.0.1", "resolves = [10.0.0.2]", { address: undefined, resolves: [ip("10.0.0.2")] }],
  ["resolves = [10.0.0.1]", "dest.ip = 10.0.0.2", { address: ip("10.0.0.2"), resolves: undefined }],
  ["resolves = [10.0.0.1]", "resolves = []", { address: undefined, resolves: [] }],
  ["dest.ip = 10.0.0.1", "dest.ip = 10.0.0.2", { address: ip("10.0.0.2"), resolves: undefined }],
])("given { %s } case { %s }", (block, row, expected) => expect(given(block, row)).toEqual(expected));

test.each([
  ["resolves = [10.0.0.1] dest.ip = 10.0.0.1", "exclude each other"],
  ["resolves = [10.0.0.1] resolves = [10.0.0.2]", "given twice"],
])("given { %s } is refused", (block, message) => {
  const found = troubles(`test "t" { given { ${block} } expect deny }`);
  expect(found.map(({ code }) => code)).toEqual(["acl.duplicate_fact"]);
  expect(found[0]!.message).toContain(message);
});
