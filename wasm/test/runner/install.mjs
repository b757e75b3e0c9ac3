// node install.mjs FOLDER TARBALL: makes the project that main.mjs runs the suite in.
import { testProject } from "./project.mjs";

const [folder, tarball] = process.argv.slice(2);
testProject(folder, tarball);
