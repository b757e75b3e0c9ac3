//! `Apply` and `Learn` for the borrowed views.

use crate::adapter::view::{Adapter, AdapterMut};
use crate::forward::apply::Apply;
use crate::learn::Learn;

impl Apply for Adapter<'_> {
    fn adapter(&self) -> Adapter<'_> {
        *self
    }
}

impl Apply for AdapterMut<'_> {
    fn adapter(&self) -> Adapter<'_> {
        self.as_adapter()
    }
}

impl Learn for AdapterMut<'_> {
    fn adapter_mut(&mut self) -> AdapterMut<'_> {
        AdapterMut {
            header: self.header,
            a: self.a,
            b: self.b,
            grad_a: self.grad_a,
            grad_c: self.grad_c,
            bias: self.bias,
            grad_bias: self.grad_bias,
            input_sum: self.input_sum,
            scratch: self.scratch,
        }
    }
}
