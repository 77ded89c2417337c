/** Linting texts, and reading the pages of the rules, in the tests of lib/acl/lint. Not a test. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Finding } from "../../../../../lib/acl/lint/engine/finding.ts";
import { pageOf } from "../../../../../lib/acl/lint/engine/finding.ts";
import { lint, type RunOptions } from "../../../../../lib/acl/lint/engine/lint.ts";
import { fixPolicy } from "../../../../../lib/acl/lint/engine/fix.ts";
import { type Files, loadText } from "../support.ts";

const ROOT = resolve(import.meta.dir, "../../../../..");

/** All findings of a text that must load. */
export function lintText(text: string, options: RunOptions = {}, files: Files = {}): Finding[] {
  const loaded = loadText(text, files);
  if (loaded.policy === undefined) throw new Error(JSON.stringify(loaded.diagnostics, undefined, 2));
  return lint(loaded, options);
}

/** The findings of one rule, each as the text that it is about. */
export function found(rule: string, text: string, options: RunOptions = {}, files: Files = {}): string[] {
  return lintText(text, options, files)
    .filter((one) => one.rule === rule)
    .map(({ file, start, end }) => (file === "p.acl" ? text : String(files[file])).slice(start, end));
}

/** The text after `--fix`. */
export function fixed(text: string, options: RunOptions = {}): string {
  return fixPolicy("p.acl", () => text, {}, options).texts.get("p.acl") ?? text;
}

/** The files that `--fix` changes, and to what. */
export function fixedFiles(files: Files): Record<string, string> {
  return Object.fromEntries(fixPolicy("p.acl", (path) => files[path]!, {}, {}).texts);
}

export interface Page {
  readonly text: string;
  readonly headings: readonly string[];
  readonly avoid: string;
  readonly prefer: string;
  section(heading: string): string;
}

/** The page of a rule. */
export function readPage(rule: string): Page {
  const text = readFileSync(resolve(ROOT, pageOf(rule)), "utf8");
  const section = (heading: string) => (text.split(`\n## ${heading}\n`)[1] ?? "").split(/\n## /)[0]!.trim();
  const code = (heading: string) => /```acl\n([\s\S]*?)```/.exec(section(heading))?.[1] ?? "";
  const headings = [...text.replace(/```[\s\S]*?```/g, "").matchAll(/^##? (.*)$/gm)].map((match) => match[1]!);
  return { text, headings, avoid: code("Avoid"), prefer: code("Prefer"), section };
}
