/** What is said of a choice, route by route, is what the choice was. */
import { expect, test } from "bun:test";
import { accountOf } from "../../../../../commands/mux/routes/account.ts";
import type { Asked, HelloWay } from "../../../../../commands/mux/routes/table.ts";
import { route } from "./support.ts";

const ROUTES = [
  route({ name: "shell", bytes: ["ssh"] }),
  route({ name: "web", names: ["a.example"], alpn: ["h2", "http/1.1"] }),
  route({ name: "auth", names: ["a.example"], alpn: ["auth@*"] }),
  route({ name: "rest", names: ["a.example"] }),
  route({ name: "wild", names: ["*.example"] }),
  route({ name: "db", names: ["db.test"], postgres: true }),
  route({ name: "all" }),
];

function told(asked: Partial<Asked>, way: HelloWay = "tls"): Record<string, string> {
  const { routes } = accountOf(ROUTES, { serverName: undefined, protocolIds: undefined, ...asked }, way);
  return Object.fromEntries(routes.map(({ route, chosen, why }) => [route.name, `${chosen ? "+" : "-"} ${why}`]));
}

test("a protocol id", () => {
  expect(told({ serverName: "a.example", protocolIds: ["http/1.1", "auth@x"] })).toEqual({
    shell: "- it takes clients without TLS",
    web: '+ a.example has the name, and it takes the protocol id "http/1.1"',
    auth: '- it takes "auth@x", but "http/1.1" decides: the client names it first, or a route names it more exactly',
    rest: "- another route takes a protocol id of the client",
    wild: "- it is for *.example; a.example has the name",
    db: "- it is for db.test; a.example has the name",
    all: "- a.example has the name, and this route is for clients whose name no other knows",
  });
});

test("a capture, a bad one, and none", () => {
  expect(told({ serverName: "a.example", protocolIds: ["auth@leaf"] })["auth"]).toBe(
    '+ a.example has the name, and it takes the protocol id "auth@leaf", which captures "leaf"',
  );
  expect(told({ serverName: "a.example", protocolIds: ["auth@a.b"] })["auth"]).toBe(
    '- "auth@a.b" does not end in one DNS label',
  );
  const none = told({ serverName: "a.example" });
  expect(none["rest"]).toBe("+ a.example has the name, and it takes what no protocol id of the name does");
  expect(none["web"]).toBe("- it takes the protocol ids h2, http/1.1, and the client offers none");
});

test("no name, and PostgreSQL", () => {
  const nameless = told({});
  expect(nameless["all"]).toStartWith("+ ");
  expect(nameless["wild"]).toBe("- it is for *.example, and the client asks for no name");
  const database = told({ serverName: "db.test" }, "postgres");
  expect(database["db"]).toStartWith("+ db.test has the name");
  expect(database["all"]).toBe("- it does not take PostgreSQL's request for TLS");
});
