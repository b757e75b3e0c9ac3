//! Adapters on the heap that would not fit on the stack.
#![cfg(feature = "alloc")]

use micro_lora::{Apply, Config, Error, Learn, MicroLora};

#[test]
fn a_large_adapter_is_made_where_it_stays() {
    type Large = MicroLora<65_536, 65_536, 4>;
    const { assert!(Large::BYTES > 4 << 20) }
    let small_stack = std::thread::Builder::new().stack_size(256 << 10);
    let thread = small_stack.spawn(|| {
        let mut lora = Large::boxed(Config::new().with_seed(3)).unwrap();
        let error = Large::boxed(Config::new().with_alpha(0.0)).unwrap_err();
        assert!(matches!(error, Error::OutOfRange { what: "alpha", .. }));
        lora.adapt_gradient(&vec![0.1; 65_536], &vec![0.1; 65_536]).unwrap();
        assert!(lora.apply_updates(0.01).unwrap().applied());
        lora.json_len()
    });
    assert!(thread.unwrap().join().unwrap() > 1 << 20);
    let (boxed, on_the_stack) =
        (MicroLora::<8, 5, 2>::boxed(Config::new()), MicroLora::<8, 5, 2>::new(Config::new()));
    assert!(*boxed.unwrap() == on_the_stack.unwrap());
}
