/** What an engine that `cargo xtask npm` builds wants from outside: nothing. `xtask/src/tasks/npm.rs` has another. */
export const imports = undefined;
