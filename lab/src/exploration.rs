//! Learning where only a number is observed: how near an output is to what a person wished for.

use fastrand::Rng;
use micro_lora::{
    Apply, Config, Error, Explore, Learn, MAX_DIRECTIONS, MicroLora, StepKind, principal_directions,
};

use crate::ranking::dot;
use crate::{Corpus, FEATURES, LEARNING_RATE};

const HELD_OUT: usize = 300;
/// Number of vectors from which directions are computed.
const EXAMPLES: usize = 600;
/// Directions in which the wish may lie.
const WISHED: usize = 8;
/// The norm of a wish and of a perturbation; vectors have norm 1.
const WISH: f32 = 0.5;
const RADIUS: f32 = 0.3;
const STREAM: u64 = 55 << 32;

/// What is known of the wish, or what other feedback there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// The principal directions of example vectors, which contain it.
    Principal,
    /// As many random directions, which contain a little of it.
    Random,
    /// The quality of each answer alone, without pairs.
    QualityOnly,
    /// The exact direction: a bound.
    Told,
}

/// A person who wishes the same vector added to every output, and rates outputs by their distance.
pub struct Exploration<'a> {
    corpus: &'a Corpus,
    rows: Vec<usize>,
    principal: Vec<f32>,
    wish: Vec<f32>,
    seed: u32,
}

impl<'a> Exploration<'a> {
    /// # Errors
    /// As [`principal_directions`].
    pub fn new(corpus: &'a Corpus, seed: u32) -> Result<Self, Error> {
        let mut rng = Rng::with_seed(STREAM + u64::from(seed));
        let mut rows: Vec<usize> = corpus.classes().into_iter().map(|(row, _)| row).collect();
        rng.shuffle(&mut rows);
        let examples: Vec<f32> =
            rows.iter().rev().take(EXAMPLES).flat_map(|&row| corpus.embeddings().row(row)).copied().collect();
        let mut principal = vec![0.0; MAX_DIRECTIONS * FEATURES];
        principal_directions(&examples, FEATURES, &mut principal, &mut [0.0; 2 * FEATURES])?;
        let mut wish = vec![0.0; FEATURES];
        for direction in principal.chunks_exact(FEATURES).take(WISHED) {
            let factor = rng.f32() * 2.0 - 1.0;
            wish.iter_mut().zip(direction).for_each(|(w, d)| *w += factor * d);
        }
        let length = dot(&wish, &wish).sqrt();
        wish.iter_mut().for_each(|w| *w *= WISH / length);
        Ok(Self { corpus, rows, principal, wish, seed })
    }

    /// The share of the wish that is fulfilled on held-out vectors, `1 - |y - wished|^2 / |wish|^2`, after
    /// each number of events: pairs of answers, or answers.
    pub fn run(&self, search: Search, checkpoints: &[usize]) -> Result<Vec<(usize, f64)>, Error> {
        let mut rng = Rng::with_seed(STREAM + (1 << 31) + u64::from(self.seed));
        let mut lora = Box::new(MicroLora::<FEATURES, FEATURES, 4>::new(
            Config::new().with_step(StepKind::ScaledGradientV2).with_seed(self.seed),
        )?);
        let directions = match search {
            Search::Random => random_directions(&mut rng),
            _ => self.principal.clone(),
        };
        let mut explore = Explore::new(RADIUS, self.seed)?;
        let mut result = vec![];
        for event in 1..=checkpoints.last().copied().unwrap_or(0) {
            let x =
                self.corpus.embeddings().row(self.rows[HELD_OUT + rng.usize(..self.rows.len() - HELD_OUT)]);
            let missing = self.missing(&*lora, x)?;
            let mut rate = |eps: &[f32], sign: f32| {
                let far: f32 = missing.iter().zip(eps).map(|(m, e)| (m - sign * e).powi(2)).sum();
                let noise = 0.1 * (rng.f32() - 0.5);
                (1.0 - far / (2.0 * WISH * WISH) + noise).clamp(0.0, 1.0)
            };
            match search {
                Search::Principal | Search::Random => {
                    let mut eps = [0.0; FEATURES];
                    explore.draw(&directions, &mut eps)?;
                    let (plus, minus) = (rate(&eps, 1.0), rate(&eps, -1.0));
                    explore.adapt(&mut *lora, x, &mut eps, plus, minus)?;
                }
                Search::QualityOnly => drop(lora.adapt_quality(x, rate(&[0.0; FEATURES], 1.0))?),
                Search::Told => {
                    let gradient: Vec<f32> = missing.iter().map(|m| -m).collect();
                    lora.adapt_gradient(x, &gradient)?;
                }
            }
            lora.apply_updates(LEARNING_RATE)?;
            if checkpoints.contains(&event) {
                result.push((event, self.fulfilled(&*lora)?));
            }
        }
        Ok(result)
    }

    /// The rest of the wish for one input.
    fn missing(&self, lora: &impl Apply, x: &[f32]) -> Result<Vec<f32>, Error> {
        let mut delta = [0.0; FEATURES];
        lora.apply_into(x, &mut delta)?;
        Ok(self.wish.iter().zip(delta).map(|(wish, delta)| wish - delta).collect())
    }

    fn fulfilled(&self, lora: &impl Apply) -> Result<f64, Error> {
        let mut sum = 0.0;
        for &row in &self.rows[..HELD_OUT] {
            let missing = self.missing(lora, self.corpus.embeddings().row(row))?;
            sum += f64::from(dot(&missing, &missing));
        }
        Ok(1.0 - sum / (HELD_OUT as f64 * f64::from(WISH * WISH)))
    }
}

fn random_directions(rng: &mut Rng) -> Vec<f32> {
    let mut directions: Vec<f32> = (0..MAX_DIRECTIONS * FEATURES).map(|_| rng.f32() - 0.5).collect();
    for direction in directions.chunks_exact_mut(FEATURES) {
        let length = dot(direction, direction).sqrt();
        direction.iter_mut().for_each(|value| *value /= length);
    }
    directions
}
