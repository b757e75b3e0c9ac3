//! The trait `Learn`: training an adapter, for every owner and view.

pub(crate) mod batch;
pub(crate) mod dual;
pub(crate) mod event;
pub(crate) mod feedback;
mod fused;
pub(crate) mod limits;
mod pull;
mod rules;
pub(crate) mod sample;
mod softmax;
pub(crate) mod step;

use crate::adapter::stats::Receipt;
use crate::adapter::view::AdapterMut;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, public_result};
use crate::forward::apply::Apply;
use crate::learn::batch::BatchReceipt;
use crate::learn::sample::{Choice, Listwise, Sample};
use crate::learn::step::Origin;
use crate::peft::{PeftConfig, Reduction};

/// Training an adapter. Implemented by every owner and view from which an [`AdapterMut`] can be borrowed.
///
/// An adapt call adds one event to the pending gradients; [`apply_updates`](Self::apply_updates)
/// turns them into one step. Every call returns a [`Receipt`] that says what happened; after any
/// error the adapter is bit for bit what it was.
///
/// Errors that every adapt call can give: [`Error::Length`], [`Error::NotFinite`],
/// [`Error::OutOfRange`] (a weight, a quality, a temperature), [`Error::Overflow`] (finite input,
/// but a result or gradient that is too large), [`Error::PendingFull`] and [`Error::NotInitialised`];
/// every kind but gradient and quality also [`Error::BaseRequired`].
///
/// ```
/// use micro_lora::{Choice, Config, Learn, MicroLora, Result};
/// fn clicked(adapter: &mut impl Learn, query: &[f32], shown: &[f32], index: usize) -> Result<()> {
///     adapter.adapt_choice(query, Choice::click(shown, index))?;
///     adapter.apply_updates(0.01).map(drop)
/// }
/// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
/// clicked(&mut lora, &[0.6, 0.8], &[1.0, 0.0, /* and */ 0.0, 1.0], 1)?;
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[diagnostic::on_unimplemented(note = "an adapter in a `Box` is passed as `&mut *adapter`")]
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
        public_result(self.adapter_mut().learn_gradient(&sample.into(), grad_output))
    }

    /// [`adapt_gradient`](Self::adapt_gradient) for n vectors, one after the other: `inputs`
    /// is `n * in_features` values, `grad_outputs` `n * out_features`. The bits are those of n single calls
    /// of weight 1. All or nothing: if one vector is refused, none is learned from.
    ///
    /// # Errors
    /// See [`Learn`]; [`Error::NotFinite`] says where in the whole batch.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 1, 1>::new(Config::new())?;
    /// let receipt = lora.adapt_gradients(&[1.0, 0.0, /* and */ 0.0, 1.0], &[0.5, /* and */ -0.5])?;
    /// assert_eq!((receipt.applied, lora.pending()), (2, 2));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_gradients(&mut self, inputs: &[f32], grad_outputs: &[f32]) -> Result<BatchReceipt> {
        public_result(self.adapter_mut().learn_gradients(inputs, grad_outputs))
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
        public_result(self.adapter_mut().learn_choice(&sample.into(), &choice))
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
        public_result(self.adapter_mut().learn_listwise(&sample.into(), &list))
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
        public_result(self.adapter_mut().learn_target(&sample.into(), target, weight))
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
        public_result(self.adapter_mut().learn_attract_repel(&sample.into(), attract, repel))
    }

    /// Learns from a quality, `0.0..=1.0`, and nothing else: reward-modulated Hebbian,
    /// `g = -(q - mean) y / |y|` against a running mean, at a tenth of the sample's weight.
    ///
    /// The weakest signal there is: nothing says in which direction to go, and it can do harm. Use
    /// any other kind where the host knows more. Square adapters only.
    ///
    /// # Errors
    /// See [`Learn`]; also [`Error::SquareRequired`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// assert!(lora.adapt_quality(&[0.8, 0.6], 0.9)?.applied());
    /// assert_eq!(lora.stats().mean_quality, 0.9);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapt_quality<'s>(&mut self, sample: impl Into<Sample<'s>>, quality: f32) -> Result<Receipt> {
        public_result(self.adapter_mut().learn_quality(&sample.into(), quality))
    }

    /// Takes one step along the weighted mean of the pending gradients and clears them.
    /// `learning_rate`: `0.0..=1000.0`; 0.01 is right for almost everything. In the dual step it is the weight of the
    /// pending lists instead: 0.01 adds what they taught once, and the mean of their weights times `rate / 0.01` is at
    /// most 16.
    ///
    /// Skipped, and nothing changes, if no event is pending, the rate is 0, or the pending gradients
    /// cancel out; they then stay pending, and count in the next mean.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for the rate, [`Error::Overflow`] if the weights would become too large,
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
        public_result(step::apply_updates(&mut self.adapter_mut(), learning_rate, Origin::New))
    }

    /// From now on the adapter learns from lists, by [`StepKind::Dual`](crate::StepKind::Dual), whatever it has learned
    /// from so far. Outputs stay, to rounding: the rows of `lora_A` are made orthonormal and `lora_B` is changed to
    /// match. What the adapter has learned is kept as a part that no list is remembered for. An adapter that learns by
    /// the dual step already stays as it is.
    ///
    /// # Errors
    /// [`Error::Count`] if events are pending (apply the updates first) or for a rank above `in_features`,
    /// [`Error::Length`] for a view without [`with_bias`](AdapterMut::with_bias), [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, Listwise, MicroLora, StepKind};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// lora.adapt_quality(&[0.6, 0.8], 0.9)?;
    /// lora.apply_updates(0.01)?;
    /// let list = Listwise::new(&[1.0, 0.0, /* and */ 0.0, 1.0], &[0.0, 1.0]);
    /// lora.into_dual()?;
    /// assert_eq!(lora.adapt_listwise(&[0.6, 0.8], list)?.step, StepKind::Dual);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[allow(clippy::wrong_self_convention, reason = "the adapter turns into another kind where it is")]
    fn into_dual(&mut self) -> Result<()> {
        public_result(self.adapter_mut().turn_dual())
    }

    /// Forgets the pending events without a step. Outputs and weights are what they were before those events.
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
        self.adapter_mut().clear_pending();
    }

    /// Resets everything to the seeded initial state, `lora_A` included, except for the generation, which rises.
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
        self.adapter_mut().restart();
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
        public_result(self.adapter_mut().header.set_strength(strength))
    }

    /// Loads a state that [`write_json`](Apply::write_json) saved, in place: settings, weights,
    /// pending gradients, counters. All of it is checked before anything is changed. The generation
    /// ends above both the saved one and the adapter's own.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Format`], [`Error::Base64`] and [`Error::Checksum`] for a text that
    /// is damaged or not a state; [`Error::Mismatch`] for another version, size, rank or model id;
    /// [`Error::OutOfRange`] and [`Error::Count`] for values that no adapter could have saved;
    /// [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<4, 4, 1>::new(Config::new())?;
    /// lora.adapt_quality(&[0.5; 4], 0.9)?;
    /// let mut json = vec![0; lora.json_len()];
    /// lora.write_json(&mut json)?;
    ///
    /// let mut other = MicroLora::<4, 4, 1>::new(Config::new().with_seed(9))?;
    /// other.load_json(&json)?;
    /// assert!(other == lora);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn load_json(&mut self, json: &[u8]) -> Result<()> {
        self.adapter_mut().load_state(json)
    }

    /// Replaces both matrices by those of one module of PEFT's `adapter_model.safetensors` (f32, f16
    /// or bf16), and takes over alpha and rsLoRA: from `config` (see
    /// [`read_adapter_config`](crate::peft::read_adapter_config)) if it is given, else from the
    /// metadata that [`write_safetensors`](Apply::write_safetensors) leaves in the file; where there
    /// is neither, they stay. All else is as with [`set_weights`](Self::set_weights).
    ///
    /// # Errors
    /// [`Error::Syntax`] for a file that breaks the format, [`Error::KeyStyle`] for one with the names of another
    /// program, [`Error::Missing`] for a module that is not in it, [`Error::Mismatch`] for one of other sizes,
    /// [`Error::Count`] for a header above 100 MB or an `r` above 4,
    /// [`Error::Unsupported`] for one that is more than `lora_A` and `lora_B`, or of another
    /// dtype; [`Error::NotFinite`], [`Error::Overflow`] for its values; [`Error::NotInitialised`].
    /// [`peft::find_problem`](crate::peft::find_problem) says it in words.
    /// The format has no checksum: a damaged weight is just another weight.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let trained = MicroLora::<8, 8, 2>::new(Config::new().with_alpha(16.0).with_seed(7))?;
    /// let mut file = [0; 512];
    /// let length = trained.write_safetensors("q_proj", &mut file)?;
    ///
    /// let mut lora = MicroLora::<8, 8, 2>::new(Config::new())?;
    /// lora.load_safetensors(&file[..length], "q_proj", None)?;
    /// assert_eq!(lora.lora_a(), trained.lora_a());
    /// assert_eq!(lora.config().alpha, 16.0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn load_safetensors(&mut self, file: &[u8], module: &str, config: Option<&PeftConfig>) -> Result<()> {
        self.adapter_mut().load_module(file, module, config)
    }

    /// As [`load_safetensors`](Self::load_safetensors) for a module of any rank up to 64. `B A` is replaced by its best
    /// approximation of this adapter's rank (Eckart and Young), and alpha is changed so that the scaling stays the same.
    /// The [`Reduction`] says what share of `|B A|` was kept. A module of the adapter's own rank is loaded as it is.
    /// Takes about 70 KB of stack.
    ///
    /// # Errors
    /// As [`load_safetensors`](Self::load_safetensors); [`Error::Count`] for a rank above 64, [`Error::Mismatch`] for
    /// one below the adapter's.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenLora, Learn, MicroLora};
    /// let theirs = FrozenLora::<2, 2, 2>::new(Config::new(), &[[1.0, 0.0], [0.0, 1.0]], &[[4.0, 0.0], [0.0, 3.0]])?;
    /// let mut file = [0; 512];
    /// let length = theirs.write_safetensors("q_proj", &mut file)?;
    ///
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let reduction = lora.load_safetensors_reduced(&file[..length], "q_proj", None)?;
    /// assert_eq!((reduction.rank, reduction.kept), (2, 0.8)); // 4 of the norm 5
    /// assert_eq!(lora.scaling(), theirs.scaling());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn load_safetensors_reduced(
        &mut self,
        file: &[u8],
        module: &str,
        config: Option<&PeftConfig>,
    ) -> Result<Reduction> {
        self.adapter_mut().load_module_reduced(file, module, config)
    }

    /// Replaces both matrices, rank-major (PEFT stores `lora_B` transposed), and discards pending
    /// events; counters and the step's state stay.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotFinite`], [`Error::Overflow`] for norms above 1e8,
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
        public_result(self.adapter_mut().take_weights(lora_a, lora_b))
    }
    /// Moves both matrices towards those given, of a state saved earlier for example: each becomes
    /// `(1 - share) own + share given`. `share` is 0 to 1. A small share after every update limits the damage of bad
    /// clicks, and slows down learning. Pending events, counters and the step's state stay.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::OutOfRange`], [`Error::NotFinite`], [`Error::Overflow`] for norms above
    /// 1e8, [`Error::NotInitialised`]; [`Error::Unsupported`] for an adapter of the dual step: a [`Memory`](crate::Memory)
    /// takes its lists back.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 1, 1>::new(Config::new())?;
    /// lora.set_weights(&[1.0, 0.0], &[2.0])?;
    /// lora.pull_towards(&[0.0, 1.0], &[4.0], 0.25)?;
    /// assert_eq!((lora.lora_a(), lora.lora_b()), (&[0.75, 0.25][..], &[2.5][..]));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn pull_towards(&mut self, lora_a: &[f32], lora_b: &[f32], share: f32) -> Result<()> {
        public_result(self.adapter_mut().pull(lora_a, lora_b, share))
    }
}
