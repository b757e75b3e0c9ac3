// The engine for workerd, which compiles nothing at run time: the bundler of a Worker compiles a module that is imported so.
import module from "engine-module";

export default () => module;
