/** The page that a person sees in place of the one that was refused. Self-contained; what it shows is escaped here. */
import type { RefusalBody, RefusalLine } from "./http-refusal.ts";
import { escapeHtml, visible } from "./visible.ts";

/** What a page or a text may say, under the names of its places: `{{host}}`. What is not to be told is empty. */
export interface Told {
  host: string;
  port: string;
  /** `deny`, `challenge`, or `error` for what the policy allows and cannot be had. */
  outcome: string;
  reason: string;
  policy: string;
  /** The fact that was missing. */
  missing: string;
  /** What a `require` asked for in vain. */
  requirement: string;
  /** The name of the connection in the records. */
  session: string;
  /** The further step that opens it. */
  challenge: string;
}

export const TOLD_NAMES = [
  "host",
  "port",
  "outcome",
  "reason",
  "policy",
  "missing",
  "requirement",
  "session",
  "challenge",
] as const satisfies readonly (keyof Told)[];

/** A page stands in the place of a stranger's: it runs nothing, loads nothing, sends nothing, and is framed by nobody. */
const CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Fields of every page; `style` is the source of its styles, for Content-Security-Policy. */
export function pageFields(style: string, images = ""): Record<string, string> {
  return {
    "Content-Security-Policy": `${CLOSED}; style-src ${style}${images === "" ? "" : `; img-src ${images}`}`,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  };
}

export const HTML_TYPE = "text/html; charset=utf-8";

/** The digest of `STYLE` by which the policy of the page names it; a test computes it anew. */
export const STYLE_DIGEST = "sha256-ZImQygg6YalpOrUOxId1Ytavx6547I3q+bqrloLGCR4=";

/** The page that is shown where no other is named. */
export function builtinPage(line: RefusalLine, told: Told): RefusalBody {
  const { title, advice } = WORDS[told.outcome] ?? WORDS["error"]!;
  const target = told.host === "" ? "" : `<p class="target"><bdi>${shown(address(told))}</bdi></p>\n`;
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${shown(title)}</title>
<style>${STYLE}</style>
</head>
<body class="${told.outcome === "challenge" ? "challenge" : "refusal"}">
<main>
<p class="status">${line.status} ${shown(line.phrase)}</p>
<h1>${shown(title)}</h1>
${target}${messageOf(line, told)}
<p>${shown(advice)}</p>
${reasonOf(told)}<footer>${told.session === "" ? "" : `Reference <code>${shown(told.session)}</code> · `}portail access proxy</footer>
</main>
</body>
</html>
`;
  return { type: HTML_TYPE, body, headers: pageFields(`'${STYLE_DIGEST}'`) };
}

const WORDS: Record<string, { title: string; advice: string }> = {
  deny: {
    title: "This address is not open to you",
    advice: "If you need it, ask those who run this proxy, and give them the reference below.",
  },
  challenge: {
    title: "One more step is needed",
    advice: "Do this first, then load the page again.",
  },
  error: {
    title: "This page cannot be reached",
    advice: "Try again in a while. If it stays so, tell those who run this proxy, with the reference below.",
  },
};

function address({ host, port }: Told): string {
  const literal = host.includes(":") ? `[${host}]` : host;
  return port === "80" || port === "" ? literal : `${literal}:${port}`;
}

/** A challenge is the operator's sentence and may hold links; the other sentences are ours. */
function messageOf({ message }: RefusalLine, { challenge }: Told): string {
  if (challenge === "") return `<p>${shown(sentence(message))}</p>`;
  const parts = visible(challenge, MOST_CHALLENGE).split(/(https?:\/\/[^\s"'<>]+[^\s"'<>.,;:!?)\]])/);
  const linked = parts.map((part, i) => {
    const text = escapeHtml(part);
    return i % 2 === 0 ? text : `<a href="${text}">${text}</a>`;
  });
  return `<p class="step">${linked.join("")}</p>`;
}

const MOST_CHALLENGE = 2000;

function reasonOf({ reason, policy, requirement, missing }: Told): string {
  const rows = [
    ["Reason", reason],
    ["Policy", policy],
    ["Required", requirement],
    ["Not known", missing],
  ].filter(([, value]) => value !== "");
  if (rows.length === 0) return "";
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd><bdi>${shown(value!)}</bdi></dd>`).join("")}</dl>\n`;
}

const shown = (text: string): string => escapeHtml(visible(text));

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** Both schemes of colours with a contrast of 4.5:1 and more; one column that fits a phone. */
export const STYLE = `
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1c2330;--soft:#5a6474;--line:#dde1e7;--sign:#b3261e;--tint:#fdf0ef;--link:#0b57d0}
@media(prefers-color-scheme:dark){:root{--page:#12151b;--card:#1b2029;--text:#e7eaf0;--soft:#a3adbd;--line:#313946;--sign:#ff8a80;--tint:#33211f;--link:#8ab4f8}}
.challenge{--sign:#8a5a00;--tint:#fff6e3}
@media(prefers-color-scheme:dark){.challenge{--sign:#ffca62;--tint:#322a19}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;justify-content:center;align-items:flex-start;padding:clamp(1rem,10vh,7rem) 1rem 2rem;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{width:100%;max-width:36rem;background:var(--card);border:1px solid var(--line);border-top:4px solid var(--sign);border-radius:10px;padding:clamp(1.25rem,5vw,2.25rem)}
.status{margin:0;color:var(--sign);font-size:.875rem;font-weight:600;letter-spacing:.02em}
h1{margin:.25rem 0 1rem;font-size:clamp(1.4rem,5vw,1.75rem);line-height:1.25;font-weight:650}
p{margin:0 0 1rem;overflow-wrap:anywhere}
.target,.step{padding:.65rem .85rem;border-radius:6px}
.target{border:1px solid var(--line);font:.95rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.step{background:var(--tint);border-left:3px solid var(--sign);font-size:1.05rem}
a{color:var(--link)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1rem;margin:1.25rem 0 0;padding-top:1rem;border-top:1px solid var(--line);font-size:.925rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:1.25rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem;overflow-wrap:anywhere}
code{font:.95em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(max-width:26rem){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.5rem}}
`;
