//! Adapters and memories on the heap that would not fit on the stack.
#![cfg(feature = "alloc")]

use micro_lora::{
    Apply, Clicks, Config, Error, Learn, Memory, MemoryLayout, MicroLora, StepKind, no_vectors,
};

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

#[test]
fn a_large_memory_is_made_where_it_stays() {
    const LAYOUT: MemoryLayout = MemoryLayout::by_value(4, 4, 3);
    type Lists = Memory<{ LAYOUT.words(40_000) }, { LAYOUT.scratch() }>;
    const { assert!(size_of::<Lists>() > 2 << 20) }
    let small_stack = std::thread::Builder::new().stack_size(256 << 10);
    let thread = small_stack.spawn(|| {
        let error = Lists::boxed(MemoryLayout::by_value(4, 4, 1)).unwrap_err();
        assert!(matches!(error, Error::Count { what: "list", .. }));
        let mut memory = Lists::boxed(LAYOUT).unwrap();
        let mut lora = MicroLora::<4, 4, 2>::new(Config::new().with_step(StepKind::Dual)).unwrap();
        let shown = [0.6, 0.8, 0.0, 0.0, /* and */ 0.0, 0.6, 0.8, 0.0];
        let clicked = Clicks::on(&shown, &[0.0, 1.0]);
        memory.view().learn(&mut lora, &[0.5; 4], clicked, 0.01, no_vectors).unwrap();
        (memory.len(), memory.capacity())
    });
    assert_eq!(thread.unwrap().join().unwrap(), (1, 40_000));
    type Small = Memory<{ LAYOUT.words(5) }, { LAYOUT.scratch() }>;
    let (mut boxed, mut on_the_stack) = (Small::boxed(LAYOUT).unwrap(), Small::new(LAYOUT).unwrap());
    let (boxed, on_the_stack) = (boxed.view(), on_the_stack.view());
    assert_eq!((*boxed.header, &*boxed.words), (*on_the_stack.header, &*on_the_stack.words));
}
