//! What an adapter can do, said once for every kind of owner and view.

use crate::adapter::{Adapter, AdapterMut};
use crate::config::Config;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::sample::{Choice, Listwise, Sample};
use crate::stats::{Receipt, Stats};
use crate::step;

/// Using an adapter: implemented by everything that can lend an [`Adapter`].
///
/// All methods take `&self` and may be called from many threads at once.
pub trait Apply {
    /// The engine's view of this adapter.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<3, 3, 1>::new(Config::new())?;
    /// assert_eq!(lora.adapter().rank(), 1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapter(&self) -> Adapter<'_>;

    /// Writes `delta = m f C^T (A x)` for one vector and gives the guard factor `f`, 1 where the
    /// output guard does not bind.
    ///
    /// `x`: `in_features` values. `delta`: `out_features` values, untouched on error.
    /// Source: LoRA (Hu et al. 2021, arXiv:2106.09685), `h = W0 x + B A x`.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotFinite`] for `x`, [`Error::Overflow`], [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<3, 2, 1>::new(Config::new())?;
    /// let mut delta = [9.0; 2];
    /// let guard = lora.apply_into(&[1.0, 2.0, 3.0], &mut delta)?;
    /// assert_eq!((delta, guard), ([0.0, 0.0], 1.0)); // a fresh adapter changes nothing
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn apply_into(&self, x: &[f32], delta: &mut [f32]) -> Result<f32> {
        self.adapter().apply_into(x, delta)
    }

    /// `x += delta` in place, for square adapters; gives the guard factor.
    ///
    /// # Errors
    /// As [`apply_into`](Self::apply_into), and [`Error::BaseRequired`] unless
    /// `in_features == out_features`. `x` is untouched on error.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let mut x = [1.0, 2.0];
    /// lora.apply_residual(&mut x)?;
    /// assert_eq!(x, [1.0, 2.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn apply_residual(&self, x: &mut [f32]) -> Result<f32> {
        self.adapter().apply_residual(x)
    }

    /// [`apply_into`](Self::apply_into) for n vectors: `inputs` is `n * in_features` values,
    /// `deltas` `n * out_features`. The bits are those of n single calls.
    ///
    /// # Errors
    /// As [`apply_into`](Self::apply_into). Rows before the one that is refused have been written.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<2, 1, 1>::new(Config::new())?;
    /// let mut deltas = [9.0; 3];
    /// lora.apply_batch(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut deltas)?;
    /// assert_eq!(deltas, [0.0; 3]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn apply_batch(&self, inputs: &[f32], deltas: &mut [f32]) -> Result<()> {
        self.adapter().apply_batch(inputs, deltas)
    }

    /// Writes `delta W = m s B A`, `out_features x in_features`, row by row, without the output guard.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotInitialised`]; `weight` is then untouched.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_alpha(1.0))?;
    /// lora.set_weights(&[1.0, 2.0], &[10.0, 20.0])?;
    /// let mut weight = [0.0; 4];
    /// lora.delta_weight(&mut weight)?;
    /// assert_eq!(weight, [10.0, 20.0, 20.0, 40.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn delta_weight(&self, weight: &mut [f32]) -> Result<()> {
        self.adapter().delta_weight(None, weight)
    }

    /// Writes `base + delta W` into another buffer. `base` is never touched, so there is nothing to
    /// un-merge. Source: `merge` in PEFT's `peft/tuners/lora/layer.py`.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotFinite`] for `base`, [`Error::NotInitialised`]; `merged` is
    /// then untouched.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<2, 1, 1>::new(Config::new())?;
    /// let mut merged = [0.0; 2];
    /// lora.merge_into(&[3.0, 4.0], &mut merged)?;
    /// assert_eq!(merged, [3.0, 4.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn merge_into(&self, base: &[f32], merged: &mut [f32]) -> Result<()> {
        self.adapter().delta_weight(Some(base), merged)
    }

    /// Counters and norms. Costs a pass over `lora_A`.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<512, 512, 2>::new(Config::new())?;
    /// assert_eq!(lora.stats().weight_bytes, 8_192);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn stats(&self) -> Stats {
        self.adapter().stats()
    }

    /// The settings it was made with.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<2, 2, 1>::new(Config::new().with_seed(7))?;
    /// assert_eq!(lora.config().seed, 7);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn config(&self) -> Config {
        self.adapter().header.config()
    }

    /// The down projection, `rank * in_features` values, rank-major.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<3, 2, 2>::new(Config::new())?;
    /// assert!(lora.lora_a().iter().all(|value| value.abs() <= 1.0)); // +-sqrt(3 / in_features)
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn lora_a(&self) -> &[f32] {
        self.adapter().a
    }

    /// The up projection, `rank * out_features` values, rank-major (the transpose of PEFT's).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<3, 2, 2>::new(Config::new())?;
    /// assert_eq!(lora.lora_b(), [0.0; 4]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn lora_b(&self) -> &[f32] {
        self.adapter().b
    }

    /// Values of an input.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// assert_eq!(MicroLora::<3, 2, 1>::new(Config::new())?.in_features(), 3);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn in_features(&self) -> usize {
        self.adapter().header.in_len()
    }

    /// Values of an output.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// assert_eq!(MicroLora::<3, 2, 1>::new(Config::new())?.out_features(), 2);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn out_features(&self) -> usize {
        self.adapter().header.out_len()
    }

    /// `r`, 1 to 4.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// assert_eq!(MicroLora::<3, 2, 4>::new(Config::new())?.rank(), 4);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn rank(&self) -> usize {
        self.adapter().header.rank as usize
    }

    /// `s`: `alpha / rank`, or `alpha / sqrt(rank)` with rsLoRA.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// assert_eq!(MicroLora::<3, 2, 4>::new(Config::new().with_alpha(8.0))?.scaling(), 2.0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn scaling(&self) -> f32 {
        self.adapter().header.scaling
    }

    /// `m`, the run-time strength: 1 unless set otherwise.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// assert_eq!(MicroLora::<3, 2, 1>::new(Config::new())?.strength(), 1.0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn strength(&self) -> f32 {
        self.adapter().header.strength
    }

    /// Changes whenever an output may have changed.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<3, 2, 1>::new(Config::new())?;
    /// let before = lora.generation();
    /// lora.set_strength(0.5)?;
    /// assert_ne!(lora.generation(), before);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn generation(&self) -> u32 {
        self.adapter().header.generation
    }

    /// Events waiting for the next update.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// lora.adapt_gradient(&[1.0, 0.0], &[0.0, 1.0])?;
    /// assert_eq!(lora.pending(), 1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn pending(&self) -> u32 {
        self.adapter().header.pending
    }
}

/// Training an adapter: implemented by everything that can lend an [`AdapterMut`].
///
/// An adapt call adds one event to the pending gradients; [`apply_updates`](Self::apply_updates)
/// turns them into one step. Every call gives a [`Receipt`] that says what happened; after any
/// error the adapter is bit for bit what it was.
///
/// Errors that every adapt call can give: [`Error::Length`], [`Error::NotFinite`],
/// [`Error::OutOfRange`] (a weight, a quality, a temperature), [`Error::Overflow`] (finite input,
/// but a result or gradient that is too large), [`Error::PendingFull`] and [`Error::NotInitialised`];
/// every kind but the gradient also [`Error::BaseRequired`].
pub trait Learn: Apply {
    /// The engine's view of this adapter, to train.
    ///
    /// ```
    /// use micro_lora::{Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<3, 3, 1>::new(Config::new())?;
    /// lora.adapter_mut().reset();
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapter_mut(&mut self) -> AdapterMut<'_>;

    /// Learns from a gradient of the caller's own loss: `grad_output = dL/dy`, `out_features`
    /// values. The exact LoRA backward, as `torch.autograd` would give it.
    ///
    /// # Errors
    /// See [`Learn`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let x = [1.0, 0.0];
    /// for _ in 0..50 {
    ///     let delta = lora.apply(&x)?;
    ///     // Pull y = x + delta towards (1, 1): L = |y - t|^2 / 2, so dL/dy = y - t.
    ///     lora.adapt_gradient(&x, &[delta[0], delta[1] - 1.0])?;
    ///     lora.apply_updates(0.01)?;
    /// }
    /// let delta = lora.apply(&x)?;
    /// assert!(delta[1] > 0.8, "{delta:?}");
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_gradient<'s>(&mut self, sample: impl Into<Sample<'s>>, grad_output: &[f32]) -> Result<Receipt> {
        self.adapter_mut().adapt_gradient(sample.into(), grad_output)
    }

    /// Learns that one of 2 to 64 candidates was chosen (quality above 0.5) or turned down (below):
    /// cross-entropy of `softmax(candidates . y / temperature)`, or of its complement. The scores
    /// are dot products, as a vector search ranks them.
    ///
    /// # Errors
    /// See [`Learn`]; also [`Error::Count`] for the number of candidates or the index chosen.
    ///
    /// ```
    /// use micro_lora::{Choice, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let candidates = [1.0, 0.0, /* and */ 0.0, 1.0];
    /// let receipt = lora.adapt_choice(&[0.8, 0.6], Choice::click(&candidates, 1))?;
    /// assert!(receipt.applied());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_choice<'s>(&mut self, sample: impl Into<Sample<'s>>, choice: Choice<'_>) -> Result<Receipt> {
        self.adapter_mut().adapt_choice(sample.into(), choice)
    }

    /// Learns from several choices of one list at once: listwise softmax cross-entropy (ListNet,
    /// Cao et al. 2007). Skipped if no candidate is preferred to another.
    ///
    /// # Errors
    /// See [`Learn`]; also [`Error::Count`] for the number of candidates.
    ///
    /// ```
    /// use micro_lora::{Config, Learn, Listwise, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let results = [1.0, 0.0, /* and */ 0.0, 1.0, /* and */ 0.6, 0.8];
    /// let clicks = [0.0, 1.0, 1.0];
    /// assert!(lora.adapt_listwise(&[0.8, 0.6], Listwise::new(&results, &clicks))?.applied());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_listwise<'s>(&mut self, sample: impl Into<Sample<'s>>, list: Listwise<'_>) -> Result<Receipt> {
        self.adapter_mut().adapt_listwise(sample.into(), list)
    }

    /// Pulls `y` towards a target (`weight > 0`) or away from it (`weight < 0`): `L = -w cos(y, t)`.
    /// `|weight|`: 0 or `1e-6..=1e6`; it multiplies the sample's.
    ///
    /// Pulling alone, event after event, draws every output to the mean of the targets: on search
    /// it costs 0.01 to 0.09 nDCG@10. Use [`adapt_attract_repel`](Self::adapt_attract_repel) or a
    /// choice where something was turned down as well.
    ///
    /// # Errors
    /// See [`Learn`]; also [`Error::ZeroNorm`] for a target of no length.
    ///
    /// ```
    /// use micro_lora::{Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// assert!(lora.adapt_target(&[1.0, 0.0], &[0.0, 1.0], -0.5)?.applied());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_target<'s>(
        &mut self,
        sample: impl Into<Sample<'s>>,
        target: &[f32],
        weight: f32,
    ) -> Result<Receipt> {
        self.adapter_mut().adapt_target(sample.into(), target, weight)
    }

    /// Pulls `y` towards one vector and away from 1 to 64 others in one event:
    /// `L = -cos(y, a) + (1 / n) sum cos(y, r_j)`. `repel`: `n * out_features` values.
    ///
    /// # Errors
    /// See [`Learn`]; also [`Error::Count`] for n and [`Error::ZeroNorm`].
    ///
    /// ```
    /// use micro_lora::{Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// assert!(lora.adapt_attract_repel(&[0.8, 0.6], &[0.0, 1.0], &[1.0, 0.0])?.applied());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_attract_repel<'s>(
        &mut self,
        sample: impl Into<Sample<'s>>,
        attract: &[f32],
        repel: &[f32],
    ) -> Result<Receipt> {
        self.adapter_mut().adapt_attract_repel(sample.into(), attract, repel)
    }

    /// Learns from a quality, `0.0..=1.0`, and nothing else: reward-modulated Hebbian,
    /// `g = -(q - mean) y / |y|` against a running mean, at a tenth of the sample's weight.
    ///
    /// The weakest signal there is: nothing says in which direction to go, and it can do harm. Use
    /// any other kind where the host knows more. Square adapters only.
    ///
    /// # Errors
    /// See [`Learn`]; also [`Error::QualityNeedsSquare`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// assert!(lora.adapt_quality(&[0.8, 0.6], 0.9)?.applied());
    /// assert_eq!(lora.stats().mean_quality, 0.9);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_quality<'s>(&mut self, sample: impl Into<Sample<'s>>, quality: f32) -> Result<Receipt> {
        self.adapter_mut().adapt_quality(sample.into(), quality)
    }

    /// Takes one step along the weighted mean of the pending gradients and clears them.
    /// `learning_rate`: `0.0..=1000.0`; 0.01 is right for almost everything.
    ///
    /// Skipped, and nothing changes, if no event is pending, the rate is 0, or the pending gradients
    /// cancel out; they then stay pending, and count in the next mean.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for the rate, [`Error::Overflow`] if the weights would grow past use,
    /// [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// lora.adapt_gradient(&[1.0, 0.0], &[0.0, 1.0])?;
    /// let receipt = lora.apply_updates(0.01)?;
    /// assert!(receipt.applied() && receipt.step_norm > 0.0);
    /// assert_eq!(lora.pending(), 0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn apply_updates(&mut self, learning_rate: f32) -> Result<Receipt> {
        step::apply_updates(&mut self.adapter_mut(), learning_rate)
    }

    /// Forgets the pending events without a step.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// lora.adapt_gradient(&[1.0, 0.0], &[0.0, 1.0])?;
    /// lora.discard_pending();
    /// assert_eq!(lora.pending(), 0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn discard_pending(&mut self) {
        self.adapter_mut().discard_pending();
    }

    /// Back to the seeded initial state, `lora_A` included; only the generation goes on.
    ///
    /// ```
    /// use micro_lora::{Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let fresh = lora.clone();
    /// lora.adapt_gradient(&[1.0, 0.0], &[0.0, 1.0])?;
    /// lora.apply_updates(0.01)?;
    /// assert!(lora != fresh);
    /// lora.reset();
    /// assert!(lora == fresh);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn reset(&mut self) {
        self.adapter_mut().reset();
    }

    /// Sets the run-time strength `m`, `0.0..=100.0`: 1 is as trained, 0 is off.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// lora.set_strength(0.0)?;
    /// assert_eq!(lora.strength(), 0.0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn set_strength(&mut self, strength: f32) -> Result<()> {
        self.adapter_mut().header.set_strength(strength)
    }

    /// Replaces both matrices, rank-major (PEFT stores `lora_B` transposed), and discards pending
    /// events; counters and the step's state stay.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotFinite`], [`Error::Overflow`] for norms above 1e15,
    /// [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 1, 1>::new(Config::new().with_alpha(1.0))?;
    /// lora.set_weights(&[0.5, 0.25], &[2.0])?;
    /// assert_eq!(lora.apply(&[0.5, 1.0])?, [1.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn set_weights(&mut self, lora_a: &[f32], lora_b: &[f32]) -> Result<()> {
        self.adapter_mut().set_weights(lora_a, lora_b)
    }
}
