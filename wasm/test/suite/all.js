// Everything, in one file per subject. It runs unchanged in Node and in every browser.
import "./setup.js";
import "./config.js";
import "./apply.js";
import "./learn.js";
import "./receipts.js";
import "./state.js";
import "./peft.js";
import "./faults.js";
import "./lifecycle.js";
import "./values.js";
import "./lite.js";
import "./init.js";
import "./bits.js";
import "./companions.js";
import "./memory.js";
import "./explore.js";
import "./endurance.js";
