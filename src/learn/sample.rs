//! The arguments of feedback: samples, choices, lists.

/// The fewest candidates of a choice.
///
/// ```
/// assert_eq!(micro_lora::MIN_CANDIDATES, 2);
/// ```
pub const MIN_CANDIDATES: usize = 2;
/// The most candidates of a choice.
///
/// ```
/// assert_eq!(micro_lora::MAX_CANDIDATES, 64);
/// ```
pub const MAX_CANDIDATES: usize = 64;

/// The default temperature of a softmax over a list.
pub(crate) const LIST_TEMPERATURE: f32 = 0.1;
/// The default for a choice: a lower temperature separates labels better (`docs/learning.md`).
pub(crate) const CHOICE_TEMPERATURE: f32 = 0.08;

/// One sample of feedback: the vector that went in, and how much the event counts.
///
/// Where a [`Learn`](crate::Learn) method takes a sample, it also takes a reference to a slice, an array or a
/// `Vec` of `f32`.
///
/// ```
/// use micro_lora::Sample;
/// let (x, base) = ([1.0; 4], [0.5; 6]);
/// let sample = Sample::new(&x).with_base(&base).with_weight(2.0);
/// assert_eq!(sample.weight, 2.0);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sample<'a> {
    /// The adapter's input, `in_features` values.
    pub input: &'a [f32],
    /// The frozen model's own output, `out_features` values: `y = base + delta`. Default for
    /// square adapters: the input. Needed otherwise, except for gradient feedback.
    pub base: Option<&'a [f32]>,
    /// How much this event counts in the mean over pending events, and in the length of the step:
    /// 0 or `1e-6..=1e6`, default 1.
    pub weight: f32,
}

impl<'a> Sample<'a> {
    /// A sample of weight 1 whose base is the input.
    ///
    /// ```
    /// assert!(micro_lora::Sample::new(&[1.0; 4]).base.is_none());
    /// ```
    #[must_use]
    pub const fn new(input: &'a [f32]) -> Self {
        Self { input, base: None, weight: 1.0 }
    }

    /// Sets [`base`](Self::base).
    ///
    /// ```
    /// assert!(micro_lora::Sample::new(&[1.0; 4]).with_base(&[0.0; 2]).base.is_some());
    /// ```
    #[must_use]
    pub const fn with_base(mut self, base: &'a [f32]) -> Self {
        self.base = Some(base);
        self
    }

    /// Sets [`weight`](Self::weight).
    ///
    /// ```
    /// assert_eq!(micro_lora::Sample::new(&[1.0; 4]).with_weight(0.5).weight, 0.5);
    /// ```
    #[must_use]
    pub const fn with_weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }
}

impl<'a, T: AsRef<[f32]> + ?Sized> From<&'a T> for Sample<'a> {
    fn from(input: &'a T) -> Self {
        Self::new(input.as_ref())
    }
}

/// One of several candidates was chosen, or turned down.
///
/// ```
/// use micro_lora::Choice;
/// let candidates = [1.0, 0.0, 0.0, 1.0]; // two of two values each
/// let thumb_down = Choice::click(&candidates, 1).with_quality(0.0);
/// assert_eq!((thumb_down.chosen, thumb_down.temperature), (1, 0.08));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Choice<'a> {
    /// The candidates one after the other, `n * out_features` values, n = 2..=64. Expected near
    /// unit norm: the temperature is meant for scores of about -1 to 1.
    pub candidates: &'a [f32],
    /// Which of them, `0..n`.
    pub chosen: usize,
    /// `0.0..=1.0`: 1 is a click (the default), 0 a thumbs-down, 0.5 says nothing.
    pub quality: f32,
    /// Temperature of the softmax over `candidates . y`, `1e-3..=1e3`, default 0.08.
    pub temperature: f32,
}

impl<'a> Choice<'a> {
    /// A click: quality 1.
    ///
    /// ```
    /// assert_eq!(micro_lora::Choice::click(&[1.0, 0.0, 0.0, 1.0], 0).quality, 1.0);
    /// ```
    #[must_use]
    pub const fn click(candidates: &'a [f32], chosen: usize) -> Self {
        Self { candidates, chosen, quality: 1.0, temperature: CHOICE_TEMPERATURE }
    }

    /// Sets [`quality`](Self::quality).
    ///
    /// ```
    /// assert_eq!(micro_lora::Choice::click(&[1.0, 2.0], 0).with_quality(0.2).quality, 0.2);
    /// ```
    #[must_use]
    pub const fn with_quality(mut self, quality: f32) -> Self {
        self.quality = quality;
        self
    }

    /// Sets [`temperature`](Self::temperature).
    ///
    /// ```
    /// assert_eq!(micro_lora::Choice::click(&[1.0, 2.0], 0).with_temperature(1.0).temperature, 1.0);
    /// ```
    #[must_use]
    pub const fn with_temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }
}

/// Several candidates, each chosen to some degree: the clicks on one page of results.
///
/// ```
/// use micro_lora::Listwise;
/// let list = Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0]).with_temperature(0.2);
/// assert_eq!(list.temperature, 0.2);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Listwise<'a> {
    /// The candidates one after the other, `n * out_features` values, n = 2..=64, expected near
    /// unit norm.
    pub candidates: &'a [f32],
    /// One per candidate, `0.0..=1e6`; they are divided by their sum.
    pub weights: &'a [f32],
    /// Temperature of the softmax over `candidates . y`, `1e-3..=1e3`, default 0.1.
    pub temperature: f32,
}

impl<'a> Listwise<'a> {
    /// A list with its weights, 1 for a click and 0 for none, say.
    ///
    /// ```
    /// assert_eq!(micro_lora::Listwise::new(&[1.0, 2.0], &[1.0, 0.0]).temperature, 0.1);
    /// ```
    #[must_use]
    pub const fn new(candidates: &'a [f32], weights: &'a [f32]) -> Self {
        Self { candidates, weights, temperature: LIST_TEMPERATURE }
    }

    /// Sets [`temperature`](Self::temperature).
    ///
    /// ```
    /// assert_eq!(micro_lora::Listwise::new(&[1.0, 2.0], &[1.0, 0.0]).with_temperature(1.0).temperature, 1.0);
    /// ```
    #[must_use]
    pub const fn with_temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }
}

/// Feedback of one kind or another, for a host that knows only at run time which:
/// [`AdapterMut::adapt`](crate::AdapterMut::adapt) takes it.
///
/// ```
/// use micro_lora::{Choice, Feedback};
/// let told = |thumb: Option<bool>| match thumb {
///     Some(up) => Feedback::Quality(if up { 1.0 } else { 0.0 }),
///     None => Feedback::Choice(Choice::click(&[1.0, 0.0], 1)),
/// };
/// assert!(matches!(told(None), Feedback::Choice(_)));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Feedback<'a> {
    /// As for [`Learn::adapt_gradient`](crate::Learn::adapt_gradient).
    Gradient(&'a [f32]),
    /// As for [`Learn::adapt_choice`](crate::Learn::adapt_choice).
    Choice(Choice<'a>),
    /// As for [`Learn::adapt_listwise`](crate::Learn::adapt_listwise).
    Listwise(Listwise<'a>),
    /// As for [`Learn::adapt_target`](crate::Learn::adapt_target).
    Target {
        /// The target direction, `out_features` values.
        target: &'a [f32],
        /// The weight; below 0 the output is moved away from the target.
        weight: f32,
    },
    /// As for [`Learn::adapt_attract_repel`](crate::Learn::adapt_attract_repel).
    AttractRepel {
        /// The vector to move towards, `out_features` values.
        attract: &'a [f32],
        /// The vectors to move away from, one after the other.
        repel: &'a [f32],
    },
    /// As for [`Learn::adapt_quality`](crate::Learn::adapt_quality).
    Quality(f32),
}

impl Feedback<'_> {
    /// Its name in errors.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Gradient(_) => "gradient",
            Self::Choice(_) => "choice",
            Self::Listwise(_) => "listwise",
            Self::Target { .. } => "target",
            Self::AttractRepel { .. } => "attract_repel",
            Self::Quality(_) => "quality",
        }
    }
}
