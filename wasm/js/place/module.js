// The engine of an entry for workerd, which compiles nothing at run time: whoever bundles a Worker compiles what is
// imported by this form of words.
import module from "engine-module";

export default () => module;
