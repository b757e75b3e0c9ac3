//! The trait `Apply`: using an adapter, for every owner and view.

use crate::adapter::config::Config;
use crate::adapter::stats::{Predictions, Stats};
use crate::adapter::view::Adapter;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, public_result};

/// Using an adapter. Implemented by every owner and view from which an [`Adapter`] can be borrowed.
///
/// All methods take `&self` and may be called from many threads at once.
///
/// ```
/// use micro_lora::{Apply, Config, MicroLora, Result};
/// fn search(adapter: &impl Apply, mut query: Vec<f32>) -> Result<Vec<f32>> {
///     adapter.apply_residual(&mut query)?;
///     Ok(query)
/// }
/// let lora = MicroLora::<2, 2, 1>::new(Config::new())?;
/// assert_eq!(search(&lora, vec![0.6, 0.8])?, [0.6, 0.8]);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[diagnostic::on_unimplemented(note = "an adapter in a `Box` is passed as `&*adapter` or `&mut *adapter`")]
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
        public_result(self.adapter().write_delta(x, delta))
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
        public_result(self.adapter().add_delta(x))
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
        public_result(self.adapter().write_deltas(inputs, deltas))
    }

    /// The guard factor or the error that [`apply_into`](Self::apply_into) would return for `x`, without writing
    /// `delta`. Costs half as much.
    ///
    /// # Errors
    /// As [`apply_into`](Self::apply_into).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<1, 1, 1>::new(Config::new().with_alpha(1.0).with_cap(0.5))?;
    /// lora.set_weights(&[1.0], &[2.0])?;
    /// assert_eq!(lora.output_guard(&[1.0])?, 0.25); // |delta| would be 2 |x|, and may be 0.5 |x|
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn output_guard(&self, x: &[f32]) -> Result<f32> {
        public_result(self.adapter().forward(x, false).map(|projection| projection.guard))
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
        public_result(self.adapter().write_delta_weight(None, weight))
    }

    /// Writes `base + delta W` into another buffer. `base` is not written to, so there is nothing to
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
        public_result(self.adapter().write_delta_weight(Some(base), merged))
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
        self.adapter().snapshot()
    }

    /// How well choices could be predicted from the base and from the correction; none before the dual step has learned
    /// a list that it could predict, and after it has forgotten what misled. It is shown, and changes nothing: see [`Predictions`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, Listwise, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// assert!(lora.predictions().is_none());
    /// for _ in 0..20 {
    ///     let results = [1.0, 0.0, /* and */ 0.0, 1.0];
    ///     lora.adapt_listwise(&[0.8, 0.6], Listwise::new(&results, &[0.0, 1.0]))?;
    ///     lora.apply_updates(0.01)?;
    /// }
    /// println!("{}", lora.predictions().unwrap());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn predictions(&self) -> Option<Predictions> {
        self.adapter().header.predictions()
    }

    /// How many bytes [`write_json`](Self::write_json) will write, exactly.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<4, 4, 1>::new(Config::new())?;
    /// let mut buffer = vec![0; lora.json_len()];
    /// assert_eq!(lora.write_json(&mut buffer)?, buffer.len());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn json_len(&self) -> usize {
        self.adapter().state_len()
    }

    /// Saves the whole adapter as JSON, UTF-8, and gives the number of bytes: settings, strength,
    /// weights, pending gradients, the step's state, counters. Loaded again it continues with the
    /// same bits. `docs/state-format.md` in the repository specifies the format.
    ///
    /// # Errors
    /// [`Error::Buffer`] if `buffer` is shorter than [`json_len`](Self::json_len), and nothing is then
    /// written; [`Error::Length`] for a view with events pending but not their gradients
    /// ([`Adapter::with_pending`]); [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Error, MicroLora};
    /// let lora = MicroLora::<4, 4, 1>::new(Config::new())?;
    /// let too_small = lora.write_json(&mut [0; 9]).unwrap_err();
    /// assert_eq!(too_small, Error::Buffer { needed: lora.json_len(), got: 9 });
    /// # Ok::<(), Error>(())
    /// ```
    fn write_json(&self, buffer: &mut [u8]) -> Result<usize> {
        self.adapter().write_state(buffer)
    }

    /// Bytes of the `adapter_model.safetensors` that [`write_safetensors`](Self::write_safetensors)
    /// writes for a module of this name.
    ///
    /// # Errors
    /// As [`write_safetensors`](Self::write_safetensors).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<8, 8, 2>::new(Config::new())?;
    /// assert_eq!(lora.safetensors_len("q_proj")?, 392);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn safetensors_len(&self, module: &str) -> Result<usize> {
        self.adapter().module_len(module)
    }

    /// Writes the weights as PEFT's `adapter_model.safetensors` and gives the length of the file.
    /// `module`: the whole name of the layer in the base model, as `encoder.layer.0.query`.
    ///
    /// PEFT has neither an output guard nor a run-time strength: what is written is the adapter
    /// without the guard, at strength 1.
    ///
    /// # Errors
    /// [`Error::Buffer`] if the file does not fit, [`Error::Syntax`] for a module's name that is
    /// empty or holds a quote, a backslash or a control character, [`Error::NotInitialised`]. The
    /// buffer is then untouched.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<8, 8, 2>::new(Config::new())?;
    /// let mut buffer = [0; 512];
    /// let length = lora.write_safetensors("q_proj", &mut buffer)?;
    /// let file = &buffer[..length];
    /// assert!(file[8..].starts_with(br#"{"__metadata__":{"format":"pt","lora_alpha":"4","#));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn write_safetensors(&self, module: &str, buffer: &mut [u8]) -> Result<usize> {
        self.adapter().write_module(module, buffer)
    }

    /// Bytes that [`write_adapter_config`](Self::write_adapter_config) writes.
    ///
    /// # Errors
    /// As [`write_adapter_config`](Self::write_adapter_config).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<8, 8, 2>::new(Config::new())?;
    /// let length = lora.adapter_config_len("q_proj", None)?;
    /// assert_eq!(lora.write_adapter_config("q_proj", None, &mut vec![0; length])?, length);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn adapter_config_len(&self, module: &str, base_model: Option<&str>) -> Result<usize> {
        self.adapter().peft_config_len(module, base_model)
    }

    /// Writes the `adapter_config.json` that PEFT needs next to the weights, and returns its length.
    /// `base_model`: the base model's name or path, if the file should name it.
    ///
    /// # Errors
    /// As [`write_safetensors`](Self::write_safetensors).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora, peft};
    /// let lora = MicroLora::<8, 8, 2>::new(Config::new().with_alpha(0.1))?;
    /// let mut buffer = [0; 512];
    /// let length = lora.write_adapter_config("q_proj", Some("org/model"), &mut buffer)?;
    /// assert_eq!(peft::read_adapter_config(&buffer[..length])?.alpha, 0.1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn write_adapter_config(
        &self,
        module: &str,
        base_model: Option<&str>,
        buffer: &mut [u8],
    ) -> Result<usize> {
        self.adapter().write_peft_config(module, base_model, buffer)
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

    /// The bias `b` of the dual step, `out_features` values; empty if the adapter has no memory for one.
    /// [`merged_bias`](Self::merged_bias) is what it adds to every output.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// assert_eq!(MicroLora::<2, 2, 1>::new(Config::new())?.bias(), [0.0, 0.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn bias(&self) -> &[f32] {
        self.adapter().bias
    }

    /// Writes what must be added to a layer's own bias after [`merge_into`](Self::merge_into) has changed its weight:
    /// `m (b - C^T A mu)`, `out_features` values, without the output guard.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotInitialised`].
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let mut bias = [1.0; 2];
    /// lora.merged_bias(&mut bias)?;
    /// assert_eq!(bias, [0.0, 0.0]); // nothing was learned
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    fn merged_bias(&self, bias: &mut [f32]) -> Result<()> {
        public_result(self.adapter().write_merged_bias(bias))
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
