//! The engine's borrowed view of an adapter.
//!
//! Nothing here is generic over sizes: one copy of this code serves every owner.

use crate::adapter::header::Header;
use crate::error::{Checked, Result, check_length};
use crate::kernel;
use crate::profile::STARTS_ZEROED;

/// A borrowed adapter: settings and weights, to apply. Its methods are those of
/// [`Apply`](crate::Apply).
///
/// [`Apply::adapter`](crate::Apply::adapter) returns it; with memory of your own, use [`Adapter::from_parts`].
///
/// ```
/// use micro_lora::{Apply, Config, MicroLora};
/// let lora = MicroLora::<4, 4, 2>::new(Config::new())?;
/// let view = lora.adapter();
/// assert_eq!((view.in_features(), view.rank()), (4, 2));
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Adapter<'a> {
    pub(crate) header: &'a Header,
    pub(crate) a: &'a [f32],
    pub(crate) b: &'a [f32],
    /// As in [`AdapterMut`]; empty if there is no memory for it.
    pub(crate) grad_a: &'a [f32],
    pub(crate) grad_c: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) grad_bias: &'a [f32],
    pub(crate) input_sum: &'a [f32],
}

/// A borrowed adapter with its gradient memory, to train. Its methods are those of
/// [`Apply`](crate::Apply) and [`Learn`](crate::Learn).
///
/// ```
/// use micro_lora::{Apply, Config, Learn, MicroLora};
/// let mut lora = MicroLora::<4, 4, 2>::new(Config::new())?;
/// let mut view = lora.adapter_mut();
/// view.adapt_gradient(&[1.0; 4], &[0.5; 4])?;
/// assert_eq!(view.pending(), 1);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Debug)]
pub struct AdapterMut<'a> {
    pub(crate) header: &'a mut Header,
    pub(crate) a: &'a mut [f32],
    pub(crate) b: &'a mut [f32],
    /// Pending `sum |w| gA` and `sum |w| gC`, shaped as `lora_A` and `lora_B`. The dual step keeps `S` in
    /// `grad_a`, and in `grad_c` what pending lists will add to `lora_B`.
    pub(crate) grad_a: &'a mut [f32],
    pub(crate) grad_c: &'a mut [f32],
    /// `b`, and what pending lists will add to it; `out_features` values, or empty: no bias, no dual step.
    pub(crate) bias: &'a mut [f32],
    pub(crate) grad_bias: &'a mut [f32],
    /// `Q`, the sum of the inputs of lists over the first one's norm; `in_features` values, or empty.
    pub(crate) input_sum: &'a mut [f32],
    /// One row of `out_features`: first `y`, then `g`. Never saved, never read before written.
    pub(crate) scratch: &'a mut [f32],
}

impl<'a> Adapter<'a> {
    /// A view over memory of the caller's: `lora_a` of `rank * in_features` values and `lora_b` of
    /// `rank * out_features`, both rank-major. The header must have belonged to these weights since
    /// [`Header::of_weights`], [`reset`](crate::Learn::reset), [`set_weights`](crate::Learn::set_weights) or [`load_json`](crate::Learn::load_json): its
    /// Gram matrix is not computed again.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if a slice does not fit the header.
    ///
    /// ```
    /// use micro_lora::{Adapter, Apply, Config, Header};
    /// let (a, b) = ([0.1, 0.2, 0.3], [1.0, 2.0]);
    /// let header = Header::of_weights(3, 2, 1, &Config::new(), &a, &b)?;
    /// let view = Adapter::from_parts(&header, &a, &b)?;
    /// assert_eq!(view.out_features(), 2);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn from_parts(header: &'a Header, lora_a: &'a [f32], lora_b: &'a [f32]) -> Result<Self> {
        check_length("lora_A", lora_a.len(), header.a_len())?;
        check_length("lora_B", lora_b.len(), header.b_len())?;
        Ok(Self {
            header,
            a: lora_a,
            b: lora_b,
            grad_a: &[],
            grad_c: &[],
            bias: &[],
            grad_bias: &[],
            input_sum: &[],
        })
    }

    /// The same view with a bias of `out_features` values. The header must have belonged to this bias since it was
    /// learned or loaded.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if it does not fit the header.
    ///
    /// ```
    /// use micro_lora::{Adapter, Config, Header};
    /// let header = Header::new(3, 2, 1, &Config::new())?;
    /// let view = Adapter::from_parts(&header, &[0.1, 0.2, 0.3], &[0.0, 0.0])?;
    /// assert!(view.with_bias(&[0.0; 2]).is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn with_bias(self, bias: &'a [f32]) -> Result<Self> {
        check_length("bias", bias.len(), self.header.out_len())?;
        Ok(Self { bias, ..self })
    }

    /// The same view with the gradient memory that belongs to it: saving pending events needs it.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if a slice does not fit the header.
    ///
    /// ```
    /// use micro_lora::{Adapter, Config, Header};
    /// let header = Header::new(3, 2, 1, &Config::new())?;
    /// let view = Adapter::from_parts(&header, &[0.1, 0.2, 0.3], &[0.0, 0.0])?;
    /// assert!(view.with_pending(&[0.0; 3], &[0.0; 2]).is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn with_pending(self, grad_a: &'a [f32], grad_b: &'a [f32]) -> Result<Self> {
        check_length("grad_A", grad_a.len(), self.header.a_len())?;
        check_length("grad_B", grad_b.len(), self.header.b_len())?;
        Ok(Self { grad_a, grad_c: grad_b, ..self })
    }

    /// The same view with the other arrays of the dual step, which are needed to save what was learned from lists.
    /// `grad_bias` of `out_features` values, `input_sum` of `in_features`.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if a slice does not fit the header.
    ///
    /// ```
    /// use micro_lora::{Adapter, Config, Header};
    /// let header = Header::new(3, 2, 1, &Config::new())?;
    /// let view = Adapter::from_parts(&header, &[0.1, 0.2, 0.3], &[0.0, 0.0])?;
    /// assert!(view.with_dual(&[0.0; 2], &[0.0; 3]).is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn with_dual(self, grad_bias: &'a [f32], input_sum: &'a [f32]) -> Result<Self> {
        check_length("grad_bias", grad_bias.len(), self.header.out_len())?;
        check_length("input_sum", input_sum.len(), self.header.in_len())?;
        Ok(Self { grad_bias, input_sum, ..self })
    }
}

impl<'a> AdapterMut<'a> {
    /// A view over memory of the caller's: `lora_a` and `grad_a` of `rank * in_features` values,
    /// `lora_b` and `grad_b` of `rank * out_features`, `scratch` of `out_features`. A header from
    /// [`Header::new`] needs [`reset`](crate::Learn::reset),
    /// [`set_weights`](crate::Learn::set_weights) or [`load_json`](crate::Learn::load_json); from then
    /// on nothing else may write to the header or to this memory.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if a slice does not fit the header.
    ///
    /// ```
    /// use micro_lora::{AdapterMut, Apply, Config, Header, Learn};
    /// let mut header = Header::new(3, 2, 1, &Config::new())?;
    /// let (mut a, mut b) = ([0.0; 3], [0.0; 2]);
    /// let (mut grad_a, mut grad_b, mut scratch) = ([0.0; 3], [0.0; 2], [0.0; 2]);
    /// let mut view = AdapterMut::from_parts(
    ///     &mut header, &mut a, &mut b, &mut grad_a, &mut grad_b, &mut scratch,
    /// )?;
    /// view.reset();
    /// assert!(view.lora_a().iter().all(|value| *value != 0.0));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn from_parts(
        header: &'a mut Header,
        lora_a: &'a mut [f32],
        lora_b: &'a mut [f32],
        grad_a: &'a mut [f32],
        grad_b: &'a mut [f32],
        scratch: &'a mut [f32],
    ) -> Result<Self> {
        check_length("lora_A", lora_a.len(), header.a_len())?;
        check_length("lora_B", lora_b.len(), header.b_len())?;
        check_length("grad_A", grad_a.len(), header.a_len())?;
        check_length("grad_B", grad_b.len(), header.b_len())?;
        check_length("scratch", scratch.len(), header.out_len())?;
        Ok(Self {
            header,
            a: lora_a,
            b: lora_b,
            grad_a,
            grad_c: grad_b,
            bias: &mut [],
            grad_bias: &mut [],
            input_sum: &mut [],
            scratch,
        })
    }

    /// The same view with the memory of a bias and of the dual step: `bias` and `grad_bias` of `out_features`
    /// values, `input_sum` of `in_features`. Nothing else may write to it from then on.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if a slice does not fit the header.
    ///
    /// ```
    /// use micro_lora::{AdapterMut, Config, Header};
    /// let mut header = Header::new(3, 2, 1, &Config::new())?;
    /// let (mut a, mut b, mut scratch) = ([0.0; 3], [0.0; 2], [0.0; 2]);
    /// let (mut grad_a, mut grad_b) = ([0.0; 3], [0.0; 2]);
    /// let (mut bias, mut grad_bias, mut input_sum) = ([0.0; 2], [0.0; 2], [0.0; 3]);
    /// let view = AdapterMut::from_parts(
    ///     &mut header, &mut a, &mut b, &mut grad_a, &mut grad_b, &mut scratch,
    /// )?;
    /// assert!(view.with_bias(&mut bias, &mut grad_bias, &mut input_sum).is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn with_bias(
        self,
        bias: &'a mut [f32],
        grad_bias: &'a mut [f32],
        input_sum: &'a mut [f32],
    ) -> Result<Self> {
        check_length("bias", bias.len(), self.header.out_len())?;
        check_length("grad_bias", grad_bias.len(), self.header.out_len())?;
        check_length("input_sum", input_sum.len(), self.header.in_len())?;
        Ok(Self { bias, grad_bias, input_sum, ..self })
    }

    pub(crate) fn as_adapter(&self) -> Adapter<'_> {
        Adapter {
            header: self.header,
            a: self.a,
            b: self.b,
            grad_a: self.grad_a,
            grad_c: self.grad_c,
            bias: self.bias,
            grad_bias: self.grad_bias,
            input_sum: self.input_sum,
        }
    }

    /// Replaces the weights. Nothing is written unless all values are valid.
    pub(crate) fn take_weights(&mut self, lora_a: &[f32], lora_b: &[f32]) -> Checked<()> {
        self.header.check_sized()?;
        self.header.check_weights(lora_a, lora_b)?;
        kernel::copy(self.a, lora_a);
        kernel::copy(self.b, lora_b);
        self.forget_dual();
        self.clear_pending();
        self.header.refresh_gram(self.b);
        self.header.bump();
        Ok(())
    }

    /// Clears the pending gradients, but not the sum `S` that the dual step keeps in `grad_a`.
    pub(crate) fn clear_pending(&mut self) {
        if !self.header.is_dual() {
            kernel::clear(self.grad_a);
        }
        kernel::clear(self.grad_c);
        kernel::clear(self.grad_bias);
        self.header.weight_sum = 0.0;
        self.header.pending = 0;
    }

    /// Clears the bias and the state of the dual step.
    pub(crate) fn forget_dual(&mut self) {
        self.header.forget_dual();
        kernel::clear(self.bias);
        kernel::clear(self.input_sum);
    }

    pub(crate) fn restart(&mut self) {
        if self.header.rank == 0 {
            return;
        }
        let bound = kernel::sqrt(3.0 / self.header.in_features as f32);
        kernel::fill_uniform(self.a, bound, self.header.seed);
        let is_zeroed = STARTS_ZEROED && self.header.scaling == 0.0;
        self.header.reset();
        if !is_zeroed {
            kernel::clear(self.b);
            self.forget_dual();
            self.clear_pending();
        }
    }
}
