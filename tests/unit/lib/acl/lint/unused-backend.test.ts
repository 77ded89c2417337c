/** Backends of the configuration that no route uses. */
import { expect, test } from "bun:test";
import { lintText } from "./support.ts";

const TEXT = 'route r { use ["a", "b"] }';
const messages = (backends?: string[]) =>
  lintText(TEXT, { only: ["unused-backend"], backends }).map(({ message, line, column }) => [message, line, column]);

test("fires: a backend that no route names", () => {
  expect(messages(["a", "b", "c"])).toEqual([['no route uses the backend "c" of the configuration', 1, 1]]);
});

test("is quiet: all are used, or the configuration is not known", () => {
  expect(messages(["a", "b"])).toEqual([]);
  expect(messages()).toEqual([]);
});
