//! An adapter of any size on the heap, as a host with its own memory would write it.

#![allow(dead_code, reason = "every test program uses its own part of this module")]

use micro_lora::{Adapter, AdapterMut, Apply, Config, Header, Learn};

#[derive(Clone, Debug, PartialEq)]
pub struct HeapLora {
    pub header: Header,
    pub a: Vec<f32>,
    pub b: Vec<f32>,
    pub grad_a: Vec<f32>,
    pub grad_b: Vec<f32>,
    pub bias: Vec<f32>,
    pub grad_bias: Vec<f32>,
    pub input_sum: Vec<f32>,
    scratch: Vec<f32>,
}

impl HeapLora {
    pub fn new(in_features: usize, out_features: usize, rank: usize, config: &Config) -> Self {
        let mut lora = Self {
            header: Header::new(in_features, out_features, rank, config).unwrap(),
            a: vec![0.0; rank * in_features],
            b: vec![0.0; rank * out_features],
            grad_a: vec![0.0; rank * in_features],
            grad_b: vec![0.0; rank * out_features],
            bias: vec![0.0; out_features],
            grad_bias: vec![0.0; out_features],
            input_sum: vec![0.0; in_features],
            scratch: vec![0.0; out_features],
        };
        lora.reset();
        lora
    }

    /// An adapter without memory for a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: vec![], grad_bias: vec![], input_sum: vec![], ..self }
    }

    /// Everything but the scratch row, which is never read before it is written.
    pub fn same_as(&self, other: &Self) -> bool {
        Self { scratch: vec![], ..self.clone() } == Self { scratch: vec![], ..other.clone() }
    }
}

impl Apply for HeapLora {
    fn adapter(&self) -> Adapter<'_> {
        let view = Adapter::from_parts(&self.header, &self.a, &self.b).unwrap();
        let view = view.with_pending(&self.grad_a, &self.grad_b).unwrap();
        if self.bias.is_empty() {
            return view;
        }
        view.with_bias(&self.bias).unwrap().with_dual(&self.grad_bias, &self.input_sum).unwrap()
    }
}

impl Learn for HeapLora {
    fn adapter_mut(&mut self) -> AdapterMut<'_> {
        let view = AdapterMut::from_parts(
            &mut self.header,
            &mut self.a,
            &mut self.b,
            &mut self.grad_a,
            &mut self.grad_b,
            &mut self.scratch,
        )
        .unwrap();
        if self.bias.is_empty() {
            return view;
        }
        view.with_bias(&mut self.bias, &mut self.grad_bias, &mut self.input_sum).unwrap()
    }
}

/// A small generator for test inputs: the same values everywhere.
pub struct Noise(pub u32);

impl Noise {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }

    pub fn vec(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }

    pub fn unit(&mut self, n: usize) -> Vec<f32> {
        let v = self.vec(n);
        let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        v.iter().map(|v| v / norm).collect()
    }
}
