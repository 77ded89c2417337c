/** Why a hello leads to its route and to no other, for people. Linear in the number of routes: not for connections. */
import { isCapture, formatProtocolId, formatServerName, type NamePattern, type RouteMatch } from "./match.ts";
import { NameIndex } from "./name-index.ts";
import { RouteTable, type Asked, type HelloChoice, type HelloWay } from "./table.ts";

export interface Account<R> {
  choice: HelloChoice<R>;
  routes: readonly { route: R; chosen: boolean; why: string }[];
}

export function accountOf<R extends RouteMatch>(routes: readonly R[], asked: Asked, way: HelloWay): Account<R> {
  const choice = new RouteTable(routes).routeHello(asked, way);
  const winner = choice.kind === "route" ? choice.route : undefined;
  const best = winningPattern(routes, asked.serverName, way);
  return {
    choice,
    routes: routes.map((route) => {
      const chosen = route === winner;
      return { route, chosen, why: chosen ? whyChosen(choice, best) : whyNot(route, best, asked, way, choice) };
    }),
  };
}

/** Which of all patterns has the name; undefined is none, where routes without names are. */
function winningPattern(
  routes: readonly RouteMatch[],
  name: string | undefined,
  way: HelloWay,
): NamePattern | undefined {
  const index = new NameIndex<{ pattern: NamePattern | undefined }>(() => ({ pattern: undefined }));
  for (const route of routes) {
    if (isPlain(route) || (way === "postgres" && !route.postgres)) continue;
    for (const pattern of route.serverNames) index.at(pattern).pattern ??= pattern;
  }
  return index.find(name)?.pattern;
}

function isPlain({ firstBytes, patterns }: RouteMatch): boolean {
  return firstBytes.length + patterns.length > 0;
}

function nameText(best: NamePattern | undefined): string {
  return best === undefined ? "routes without a server name are asked" : `${formatServerName(best)} has the name`;
}

function whyChosen<R extends RouteMatch>(choice: HelloChoice<R>, best: NamePattern | undefined): string {
  if (choice.kind === "refused") return "";
  const { protocolId, capture, route } = choice;
  if (protocolId === undefined) {
    const none = route.protocolIds.some(({ kind }) => kind === "none");
    const what = none ? "clients without protocol ids" : "what no protocol id of the name does";
    return `${nameText(best)}, and it takes ${what}`;
  }
  const captured = capture === undefined ? "" : `, which captures ${JSON.stringify(capture)}`;
  return `${nameText(best)}, and it takes the protocol id ${JSON.stringify(protocolId)}${captured}`;
}

function whyNot<R>(
  route: RouteMatch,
  best: NamePattern | undefined,
  asked: Asked,
  way: HelloWay,
  choice: HelloChoice<R>,
): string {
  if (isPlain(route)) return "it takes clients without TLS";
  if (way === "postgres" && !route.postgres) return "it does not take PostgreSQL's request for TLS";
  const names = route.serverNames.map(formatServerName);
  if (best === undefined ? names.length > 0 : !names.includes(formatServerName(best))) {
    if (names.length === 0) return `${nameText(best)}, and this route is for clients whose name no other knows`;
    const others = names.join(", ");
    return asked.serverName === undefined
      ? `it is for ${others}, and the client asks for no name`
      : `it is for ${others}; ${nameText(best)}`;
  }
  return whyNotById(route, asked, choice);
}

function whyNotById<R>(route: RouteMatch, { protocolIds = [] }: Asked, choice: HelloChoice<R>): string {
  const wanted = route.protocolIds.map(formatProtocolId);
  if (route.postgres && wanted.length === 0) wanted.push("postgresql");
  if (wanted.length === 0) return "another route takes a protocol id of the client";
  const bad = protocolIds.find((id) =>
    route.protocolIds.some(
      (one) =>
        one.kind === "prefix" && one.captures && id.startsWith(one.prefix) && !isCapture(id.slice(one.prefix.length)),
    ),
  );
  if (bad !== undefined) return `${JSON.stringify(bad)} does not end in one DNS label`;
  const fitting = protocolIds.find((id) =>
    route.protocolIds.some((one) =>
      one.kind === "none" ? false : one.kind === "exact" ? one.id === id : id.startsWith(one.prefix),
    ),
  );
  const offered = protocolIds.length === 0 ? "none" : protocolIds.map((id) => JSON.stringify(id)).join(", ");
  if (fitting === undefined) return `it takes the protocol ids ${wanted.join(", ")}, and the client offers ${offered}`;
  const decided =
    choice.kind === "route" && choice.protocolId !== undefined ? JSON.stringify(choice.protocolId) : "another";
  if (route.refuse !== undefined)
    return `it refuses ${JSON.stringify(fitting)}, but the client offers ${decided}, which is taken, as well`;
  return `it takes ${JSON.stringify(fitting)}, but ${decided} decides: the client names it first, or a route names it more exactly`;
}
