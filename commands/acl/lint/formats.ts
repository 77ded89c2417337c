/** The formats of a report, by name. */
import { githubFormat } from "./github.ts";
import { jsonFormat } from "./json.ts";
import type { Format } from "./run.ts";
import { sarifFormat } from "./sarif.ts";
import { textFormat } from "./text.ts";

export const FORMATS: Readonly<Record<"text" | "json" | "sarif" | "github", Format>> = {
  text: textFormat,
  json: jsonFormat,
  sarif: sarifFormat,
  github: githubFormat,
};
