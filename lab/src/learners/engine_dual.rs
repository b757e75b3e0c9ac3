//! The engine's dual step, with a memory of lists by id and without one.

use micro_lora::{
    Choice, Clicks, Config, Error, Learn, Listwise, Lookup, MemoryHeader, MemoryLayout, MemoryMut, MicroLora,
    StepKind, VectorId,
};
use ndarray::{Array2, ArrayView1, ArrayView2};

use super::engine::corrections;
use super::{Ranker, Setting, as_weights, moved};
use crate::{FEATURES, LEARNING_RATE};

/// The most results of a remembered list: lists of classes are the longest.
const LIST: usize = 20;

pub struct EngineDual<const RANK: usize> {
    setting: Setting,
    lora: Box<MicroLora<FEATURES, FEATURES, RANK>>,
    memory: Option<Remembered>,
    serve: f32,
}

/// Lists with their queries as int8 and their documents by id.
struct Remembered {
    header: MemoryHeader,
    words: Vec<u32>,
    scratch: Vec<f32>,
}

/// The feedback for a list.
enum Told<'a> {
    Clicked(&'a [bool]),
    Thumb { on: usize, quality: f32 },
}

impl<const RANK: usize> EngineDual<RANK> {
    /// Remembers this many lists; 0 means no memory.
    pub fn new(setting: &Setting, lists: usize, serve: f32) -> Result<Self, Error> {
        let config = Config::new().with_step(StepKind::Dual).with_seed(setting.seed);
        let mut layout = MemoryLayout::by_id(FEATURES, FEATURES, LIST);
        if setting.host.is_some() {
            layout = layout.with_scores();
        }
        let memory = || -> Result<Remembered, Error> {
            let (words, scratch) = (vec![0; layout.words(lists)], vec![0.0; layout.scratch()]);
            Ok(Remembered { header: MemoryHeader::new(layout, lists)?, words, scratch })
        };
        let memory = if lists > 0 { Some(memory()?) } else { None };
        Ok(Self { setting: setting.clone(), lora: Box::new(MicroLora::new(config)?), memory, serve })
    }

    fn tell(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], told: &Told<'_>) -> Result<(), Error> {
        let query = query.to_vec();
        let weights = if let Told::Clicked(clicked) = told { as_weights(clicked).to_vec() } else { vec![] };
        let Some(Remembered { header, words, scratch }) = &mut self.memory else {
            return self.tell_once(&query, ids, told, &weights);
        };
        let documents = &self.setting.documents;
        let vectors = |id: VectorId, out: &mut [f32]| match id {
            VectorId::Document(id) if (id as usize) < documents.nrows() => {
                out.iter_mut().zip(documents.row(id as usize)).for_each(|(to, from)| *to = *from);
                Lookup::Found
            }
            _ => Lookup::Gone,
        };
        let numbers: Vec<u32> = ids.iter().map(|&id| id as u32).collect();
        let host = self.setting.host.as_ref();
        let scores: Option<Vec<f32>> = host.map(|host| ids.iter().map(|&id| host[id]).collect());
        let mut list = Clicks::on_ids(&numbers, &weights);
        if let Told::Thumb { on, quality } = *told {
            list = list.with_thumb(on, quality);
        }
        if let Some(scores) = &scores {
            list = list.with_scores(scores);
        }
        MemoryMut { header, words, scratch }.learn(&mut *self.lora, &query, list, LEARNING_RATE, vectors)?;
        Ok(())
    }

    fn tell_once(
        &mut self,
        query: &[f32],
        ids: &[usize],
        told: &Told<'_>,
        weights: &[f32],
    ) -> Result<(), Error> {
        let documents = self.setting.rows(ids).into_raw_vec_and_offset().0;
        let receipt = match *told {
            Told::Clicked(_) => self.lora.adapt_listwise(query, Listwise::new(&documents, weights))?,
            Told::Thumb { on, quality } => {
                self.lora.adapt_choice(query, Choice::click(&documents, on).with_quality(quality))?
            }
        };
        if receipt.applied() {
            self.lora.apply_updates(LEARNING_RATE)?;
        }
        Ok(())
    }
}

impl<const RANK: usize> Ranker for EngineDual<RANK> {
    fn score(&self, queries: ArrayView2<'_, f32>, base: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        Ok(moved(base, &self.setting.documents, &(corrections(&self.lora, queries)? * self.serve)))
    }

    fn learn(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], clicked: &[bool]) -> Result<(), Error> {
        self.tell(query, ids, &Told::Clicked(clicked))
    }

    fn label(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], right: usize) -> Result<(), Error> {
        self.tell(query, ids, &Told::Thumb { on: right, quality: 1.0 })
    }

    fn reject(&mut self, query: ArrayView1<'_, f32>, ids: &[usize], not: usize) -> Result<(), Error> {
        self.tell(query, ids, &Told::Thumb { on: not, quality: 0.0 })
    }

    fn strength(&self) -> f32 {
        self.serve
    }
}
