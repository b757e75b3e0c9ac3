//! Headers that no public function makes.

use crate::adapter::config::Config;
use crate::adapter::header::Header;
use crate::adapter::view::AdapterMut;
use crate::error::Error;

#[test]
fn a_header_with_a_value_out_of_its_range_is_not_taken_up() {
    let changes: [fn(&mut Header); 4] = [
        |header| header.strength = f32::NAN,
        |header| header.alpha = -1.0,
        |header| header.cap = 0.0,
        |header| header.mean_quality = 1.5,
    ];
    for (name, change) in ["strength", "alpha", "cap", "mean_quality"].into_iter().zip(changes) {
        let mut header = Header::new(1, 1, 1, &Config::new()).unwrap();
        change(&mut header);
        let (mut a, mut b, mut grad_a, mut grad_b, mut scratch) = ([0.5], [2.0], [0.0], [0.0], [0.0]);
        let taken_up =
            AdapterMut::from_parts(&mut header, &mut a, &mut b, &mut grad_a, &mut grad_b, &mut scratch)
                .unwrap()
                .take_up();
        assert!(
            matches!(taken_up, Err(Error::OutOfRange { what, .. }) if what == name),
            "{name}: {taken_up:?}"
        );
    }
}
