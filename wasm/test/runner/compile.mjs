// TypeScript as users compile it, under the strictest settings: a type error fails.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HERE } from "./project.mjs";

export function compile(project, files, more = {}) {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    target: "es2022",
    module: "nodenext",
    types: [],
    lib: ["es2022", "dom", "esnext.disposable"],
    ...more,
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const tsc = join(HERE, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "--project", project], { stdio: "inherit" });
}
