/** Man pages of a small tree, pinned. */

import { expect, test } from "bun:test";
import { manPages } from "../../../cli/man.ts";
import { fakeTree } from "./fake-tree.ts";

const pages = await manPages(fakeTree());

test("a page for each command and group", () => {
  expect([...pages.keys()]).toEqual(["portail.1", "portail-serve.1", "portail-policy.1", "portail-policy-check.1"]);
});

test("a command's page", () => {
  expect(pages.get("portail-serve.1")).toMatchInlineSnapshot(`
    ".Dd November 26, 2026
    .Dt PORTAIL-SERVE 1
    .Os
    .Sh NAME
    .Nm portail-serve
    .Nd serve things to programs that ask for them over a network that nobody trusts
    .Sh SYNOPSIS
    .Nm portail
    .Cm serve
    .Fl Fl acl Ar FILE
    .Op Fl Fl listen Ar ADDRESS
    .Op Fl Fl no\\-color
    .Op Fl Fl drain\\-timeout Ar VALUE
    .Op Fl Fl config Ar FILE
    .Sh DESCRIPTION
    Serve things to programs that ask for them over a network that nobody
    trusts.
    .Pp
    A first paragraph.
    .Pp
    A second one.
    .Ss Flags
    .Bl -tag -width Ds
    .It Fl Fl listen Ar ADDRESS
    Where to listen (repeatable, environment: LISTEN).
    .It Fl Fl acl Ar FILE
    Policy (required).
    .It Fl Fl color , Fl Fl no\\-color
    Use colour (on by default).
    .El
    .Ss Life
    .Bl -tag -width Ds
    .It Fl t , Fl Fl drain\\-timeout Ar VALUE
    How long to wait (default: 30s).
    .El
    .Ss General
    .Bl -tag -width Ds
    .It Fl Fl config Ar FILE
    Read flags and tables from a TOML file.
    .El
    .Sh ENVIRONMENT
    .Bl -tag -width Ds
    .It Ev LISTEN
    The value of \\%\\-\\-listen, where neither the command line nor a
    configuration file has one.
    .It Ev NO_COLOR
    Where it is set and not empty, nothing is coloured.
    .It Ev PORTAIL_DEBUG
    Where it is set and not empty, errors show where in the program they come
    from.
    .El
    .Sh EXIT STATUS
    .Bl -tag -width Ds
    .It 0
    Drained.
    .It 1
    Drain cut short.
    .It 64
    The command line is wrong.
    .El
    .Sh EXAMPLES
    Serve this machine:
    .Bd -literal -offset indent
    portail serve \\-\\-listen 127.0.0.1:1
    .Ed
    .Sh SEE ALSO
    .Xr portail 1 ,
    .Xr portail-policy 1
    "
  `);
});

test("a command's page names its arguments, and what is above it", () => {
  const page = pages.get("portail-policy-check.1");
  expect(page).toContain(".Nm portail\n.Cm policy check\n.Ar POLICY\n.Op Ar CASES ...\n");
  expect(page).toContain(".Sh SEE ALSO\n.Xr portail-policy 1\n");
  expect(page).not.toContain(".Sh EXAMPLES");
});

test("a group's page lists what is below", () => {
  const page = pages.get("portail-policy.1");
  expect(page).toContain(".Ss Commands\n.Bl -tag -width Ds\n.It Xr portail-policy-check 1\nCheck a policy.\n.El\n");
  expect(page).toContain(".Sh SEE ALSO\n.Xr portail 1 ,\n.Xr portail-policy-check 1 ,\n.Xr portail-serve 1\n");
});
