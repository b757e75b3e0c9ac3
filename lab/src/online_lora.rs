use micro_lora::{
    Apply, Choice, Clicks, Config, Error, Holdback, Learn, Listwise, Memory, MemoryLayout, MicroLora,
    Outcome, Replay, StepKind, no_vectors,
};

use crate::ranking::dot;
use crate::{Event, FEATURES, Learner, SHOWN, Shown, Truth};

/// The usual value in the replaced package, and the default.
pub const LEARNING_RATE: f32 = 0.01;

/// Temperature of the exact gradient's softmax, the same as the listwise default.
const TEMPERATURE: f32 = 0.1;

/// What a [`MicroLora`] learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The clicks on the shown results.
    Listwise,
    /// The list's quality alone, as one number.
    QualityOnly,
    /// The user's judgement of every document: a bound that no feedback reaches.
    ExactGradient,
}

/// A [`MicroLora`] that takes one step after every event.
pub struct OnlineLora<const RANK: usize> {
    rule: Rule,
    lora: Box<MicroLora<FEATURES, FEATURES, RANK>>,
    ring: Option<Box<Ring>>,
    memory: Option<Box<Lists>>,
    holdback: Option<Holdback>,
    /// Whether the last list was merged.
    is_compared: bool,
    pull: Option<Pull>,
}

/// Every so many updates the weights are stored; after each update they are pulled towards the stored ones.
struct Pull {
    share: f32,
    every: u32,
    kept: [Vec<f32>; 2],
}

/// The ring of the last lists.
type Ring = Replay<FEATURES, FEATURES, SHOWN, 64>;

/// The memory of lists for the dual step, with its capacity.
type Lists = Memory<{ LISTS.words(REMEMBERED) }, { LISTS.scratch() }>;
const LISTS: MemoryLayout = MemoryLayout::by_value(FEATURES, FEATURES, SHOWN);
const REMEMBERED: usize = 256;

impl<const RANK: usize> OnlineLora<RANK> {
    /// With the default configuration, which learns from lists by the dual step, and a memory of lists.
    pub fn with_memory(seed: u32) -> Result<Self, Error> {
        let mut lora = Self::with_config(Rule::Listwise, Config::new().with_seed(seed))?;
        lora.memory = Some(Box::new(Lists::new(LISTS)?));
        Ok(lora)
    }

    /// With the scaled-gradient step and the rest of the default configuration.
    pub fn new(rule: Rule, seed: u32) -> Result<Self, Error> {
        Self::with_config(rule, Config::new().with_step(StepKind::ScaledGradientV2).with_seed(seed))
    }

    pub fn with_config(rule: Rule, config: Config) -> Result<Self, Error> {
        Ok(Self {
            rule,
            lora: Box::new(MicroLora::new(config)?),
            ring: None,
            memory: None,
            holdback: None,
            is_compared: false,
            pull: None,
        })
    }

    /// With a holdback, so that the adapter is applied only while it helps.
    #[must_use]
    pub fn with_holdback(mut self) -> Self {
        self.holdback = Some(Holdback::new());
        self
    }

    /// After every list the weights are pulled towards those after the last multiple of `every` lists.
    #[must_use]
    pub fn with_pull(mut self, share: f32, every: u32) -> Self {
        let kept = [self.lora.lora_a().to_vec(), self.lora.lora_b().to_vec()];
        self.pull = Some(Pull { share, every, kept });
        self
    }

    fn pull_back(&mut self) -> Result<(), Error> {
        let Some(Pull { share, every, kept }) = &mut self.pull else { return Ok(()) };
        let [a, b] = kept;
        self.lora.pull_towards(a, b, *share)?;
        if self.lora.stats().updates.is_multiple_of(*every) {
            a.copy_from_slice(self.lora.lora_a());
            b.copy_from_slice(self.lora.lora_b());
        }
        Ok(())
    }

    /// What the holdback found; none without one.
    pub fn holdback(&self) -> Option<&Holdback> {
        self.holdback.as_ref()
    }

    /// With a ring, whose lists are rehearsed.
    #[must_use]
    pub fn with_replay(mut self) -> Self {
        self.ring = Some(Box::new(Ring::new()));
        self
    }

    /// Restores the state at which [`save`](Self::save) was called.
    pub fn restore(rule: Rule, json: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            rule,
            lora: Box::new(MicroLora::from_json(json, 0)?),
            ring: None,
            memory: None,
            holdback: None,
            is_compared: false,
            pull: None,
        })
    }

    /// The adapter as JSON.
    pub fn save(&self) -> Result<Vec<u8>, Error> {
        let mut json = vec![0; self.lora.json_len()];
        self.lora.write_json(&mut json)?;
        Ok(json)
    }

    /// Events seen, those without a click included.
    pub fn seen(&self) -> usize {
        self.lora.stats().samples_seen as usize
    }

    /// Whether two learners are equal in all that can influence a later result.
    pub fn same_as(&self, other: &Self) -> bool {
        self.lora == other.lora
    }
}

impl<const RANK: usize> Learner for OnlineLora<RANK> {
    fn correct(&self, query: &mut [f32]) -> Result<(), Error> {
        if self.holdback.as_ref().is_some_and(|holdback| !holdback.is_applied()) {
            return Ok(());
        }
        self.lora.apply_residual(query).map(drop)
    }

    fn compares(&mut self) -> bool {
        self.is_compared = self.holdback.as_mut().is_some_and(Holdback::is_due);
        self.is_compared
    }

    fn merge(
        &mut self,
        base: &Shown,
        query: &[f32],
        search: &dyn Fn(&[f32]) -> Shown,
    ) -> Result<Shown, Error> {
        let mut corrected = query.to_vec();
        self.lora.apply_residual(&mut corrected)?;
        let adapted = search(&corrected);
        let Some(holdback) = &mut self.holdback else { return Ok(adapted) };
        let mut shown = [0; SHOWN];
        let number = |list: &Shown| list.map(|document| document as u32);
        holdback.interleave(&number(base), &number(&adapted), &mut shown)?;
        Ok(shown.map(|document| document as usize))
    }

    fn choose(
        &mut self,
        input: &[f32],
        candidates: &[f32],
        chosen: usize,
        quality: f32,
    ) -> Result<bool, Error> {
        let added = match self.rule {
            Rule::QualityOnly => self.lora.adapt_quality(input, quality)?,
            _ => self.lora.adapt_choice(input, Choice::click(candidates, chosen).with_quality(quality))?,
        };
        if !added.applied() {
            return Ok(false);
        }
        Ok(self.lora.apply_updates(LEARNING_RATE)?.applied())
    }

    fn learn(&mut self, event: &Event<'_>) -> Result<bool, Error> {
        if let Some(holdback) = self.holdback.as_mut().filter(|_| self.is_compared) {
            holdback.record_clicks(&event.clicks.map(f32::from))?;
        }
        let added = match self.rule {
            Rule::Listwise => {
                let weights = event.clicks.map(f32::from);
                let list = Listwise::new(event.shown, &weights);
                if let Some(memory) = &mut self.memory {
                    let clicks = Clicks::on(event.shown, &weights);
                    let receipt = memory.view().learn(
                        &mut *self.lora,
                        event.query,
                        clicks,
                        LEARNING_RATE,
                        no_vectors,
                    )?;
                    return Ok(receipt.outcome == Outcome::Applied);
                }
                if let Some(ring) = &mut self.ring {
                    let receipt = ring.view().learn(&mut *self.lora, event.query, list, LEARNING_RATE)?;
                    if receipt.applied() {
                        self.pull_back()?;
                    }
                    return Ok(receipt.applied());
                }
                self.lora.adapt_listwise(event.query, list)?
            }
            Rule::QualityOnly => self.lora.adapt_quality(event.query, event.quality)?,
            Rule::ExactGradient => {
                let mut corrected = event.query.to_vec();
                self.correct(&mut corrected)?;
                let Some(gradient) = exact_gradient(event.truth, &corrected) else { return Ok(false) };
                self.lora.adapt_gradient(event.query, &gradient)?
            }
        };
        if added.outcome != Outcome::Applied {
            return Ok(false);
        }
        Ok(self.lora.apply_updates(LEARNING_RATE)?.outcome == Outcome::Applied)
    }

    fn state_bytes(&self) -> usize {
        let remembered =
            self.ring.as_deref().map_or(0, size_of_val) + self.memory.as_deref().map_or(0, size_of_val);
        size_of_val(&*self.lora) + remembered
    }
}

/// `sum (p_d - w_d) d / tau` over all documents, `w` uniform on the relevant ones; none if there are none.
fn exact_gradient(truth: Truth<'_>, corrected: &[f32]) -> Option<Vec<f32>> {
    let relevant = truth.relevant.iter().filter(|&&r| r).count();
    if relevant == 0 {
        return None;
    }
    let logits: Vec<f32> = truth.documents.rows().map(|row| dot(row, corrected) / TEMPERATURE).collect();
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logits.iter().map(|logit| (logit - max).exp()).collect();
    let sum: f32 = weights.iter().sum();
    let mut gradient = vec![0.0; corrected.len()];
    for ((row, weight), &is_relevant) in truth.documents.rows().zip(weights).zip(truth.relevant) {
        let target = if is_relevant { 1.0 / relevant as f32 } else { 0.0 };
        let factor = (weight / sum - target) / TEMPERATURE;
        for (g, d) in gradient.iter_mut().zip(row) {
            *g += factor * d;
        }
    }
    Some(gradient)
}
