//! What the engine can do, by number. `cargo xtask layout` writes the numbers down for JavaScript.

macro_rules! calls {
    ($(#[$attribute:meta])* $table:ident, $module:ident: $($name:ident = $number:literal,)*) => {
        $(#[$attribute])*
        #[allow(dead_code, reason = "for `cargo xtask layout`")]
        pub(crate) const $table: [(&str, u32); [$($number),*].len()] = [$((stringify!($name), $number)),*];

        #[allow(dead_code, reason = "one of the two is built")]
        pub(crate) mod $module {
            $(pub(crate) const $name: u32 = $number;)*
        }
    };
}

calls! {
    /// Of the entry `micro-lora`.
    FULL, full:
    APPLY = 0,
    RESIDUAL = 1,
    UPDATE = 2,
    RESET = 3,
    TAKE_UP = 4,
    STRENGTH = 5,
    DISCARD = 6,
    CHOICE = 7,
    QUALITY = 8,
    GRADIENT = 9,
    LISTWISE = 10,
    TARGET = 11,
    ATTRACT_REPEL = 12,
    REHEARSE = 13,
}

calls! {
    /// Of `Memory` in the entry `micro-lora/learn`.
    RECALL, recall:
    LEARN = 0,
    WHY = 1,
    FORGET = 2,
    FORGET_DOCUMENT = 3,
    SETTLE = 4,
    RELEARN = 5,
    TAKE_UP = 6,
    PREDICTIONS = 7,
}

calls! {
    /// Of the entry `micro-lora/lite`.
    LITE, lite:
    APPLY = 0,
    UPDATE = 1,
    TAKE_UP = 2,
    CHOICE = 3,
    RESIDUAL = 4,
}
