// The table of the package's README of what needs a line: the tests take the lines from there.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The line for a tool, as the README has it. */
export function line(place, tool) {
  const rows = readFileSync(join(place.package, "README.md"), "utf8").split("\n");
  const row = rows.find((row) => row.startsWith("|") && row.split("|")[1].includes(tool));
  const found = row?.split("|")[2].match(/`([^`]+)`/)?.[1];
  if (!found) throw new Error(`README.md: expected a row of ${tool} with a line in backquotes, got ${row}`);
  return found;
}
