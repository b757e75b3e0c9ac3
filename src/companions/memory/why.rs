//! Attribution: which remembered lists moved a document.

use super::MemoryMut;
use super::record::{Lookup, VectorId};
use super::removal::{Parts, parts};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, Result, check_length, public_result, refuse};
use crate::forward::centred;
use crate::kernel;
use crate::learn::Learn;
use crate::learn::sample::MAX_CANDIDATES;

impl MemoryMut<'_> {
    /// Which remembered lists moved each document for this query, and by how much: the change of `document . y`, before
    /// the strength and the output guard. `documents`: n = 1 to 64, `n * out_features` values.
    ///
    /// `numbers` takes the numbers of the lists, the oldest first; `shares` takes n values for each of them, and n more
    /// at the end: the part that no remembered list accounts for. They need `len()` and `(len() + 1) * n` places. A list whose
    /// vectors cannot be read has shares of 0; its part is in the last row. All shares add up to the correction.
    ///
    /// # Errors
    /// As [`settle`](Self::settle); also [`Error::NotFinite`](crate::Error::NotFinite), and
    /// [`Error::Count`](crate::Error::Count) for more documents than a list may have.
    ///
    /// ```
    /// use micro_lora::{Clicks, Config, Memory, MemoryLayout, MicroLora, StepKind, no_vectors};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// let (query, documents) = ([0.6, 0.8], [1.0, 0.0, /* and */ 0.0, 1.0]);
    /// memory.view().learn(&mut lora, &query, Clicks::on(&documents, &[1.0, 0.0]), 0.01, no_vectors)?;
    /// let (mut numbers, mut shares) = ([0; 1], [0.0; 4]);
    /// memory.view().why(&mut lora, &query, &documents, &mut numbers, &mut shares, no_vectors)?;
    /// assert_eq!(numbers, [1]);
    /// assert!(shares[0] > 0.0 && shares[1] < 0.0); // the list moved the first up, and the second down
    /// assert!(shares[2].abs() < 1e-6); // nothing else did
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn why(
        &mut self,
        lora: &mut impl Learn,
        query: &[f32],
        documents: &[f32],
        numbers: &mut [u32],
        shares: &mut [f32],
        mut vectors: impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Result<()> {
        self.check()?;
        public_result(self.explain(&mut lora.adapter_mut(), query, documents, numbers, shares, &mut vectors))
    }

    fn explain(
        &mut self,
        lora: &mut AdapterMut<'_>,
        query: &[f32],
        documents: &[f32],
        numbers: &mut [u32],
        shares: &mut [f32],
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Checked<()> {
        self.check_ready(lora)?;
        self.check_pair(lora)?;
        let out_len = lora.header.out_len();
        let count = kernel::rows(documents, out_len).len();
        check_length("documents", documents.len(), count.max(1).saturating_mul(out_len))?;
        if count > MAX_CANDIDATES {
            return Err(refuse::count("documents", count, 1, MAX_CANDIDATES));
        }
        if let Some(index) = kernel::first_not_finite(documents) {
            return Err(refuse::not_finite_at("documents", index));
        }
        check_length("numbers", numbers.len(), self.header.len())?;
        check_length("shares", shares.len(), self.header.len().saturating_add(1).saturating_mul(count))?;
        // The whole correction, as if it were served at strength 1 without the guard.
        lora.as_adapter().forward(query, false)?;
        let h = centred(kernel::down(lora.a, query), &lora.header.bias.centre);
        let scaling = lora.header.scaling;
        kernel::up(lora.scratch, h.map(|h_r| scaling * h_r), lora.b);
        kernel::axpy(lora.scratch, 1.0, lora.bias);
        let (shares, rest) =
            shares.split_at_mut_checked(self.header.len().saturating_mul(count)).unwrap_or_default();
        kernel::dot_rows(rest, documents, lora.scratch);
        let dual = lora.header.dual;
        let input_norm = if dual.input_norm > 0.0 { dual.input_norm } else { 1.0 };
        let h = h.map(|h_r| h_r / input_norm);
        for ((n, number), shares) in
            (0..self.header.len).zip(numbers).zip(shares.chunks_exact_mut(count.max(1)))
        {
            let Parts { record, query, row: sum, documents: own, mean } =
                parts(self.header, self.words, self.scratch, n);
            let record = record.read();
            *number = record.number();
            shares.fill(0.0);
            // An adapter without units has nothing of any list.
            if dual.document_norm == 0.0
                || record.load(query, own, vectors) != Lookup::Found
                || !record.is_of(query, own)
            {
                continue;
            }
            mean.centre(own);
            record.sum(sum, own);
            kernel::dot_rows(shares, documents, sum);
            kernel::scale(shares, lora.header.share_of(record.temperature(), &h, &record.h()));
            for (rest, share) in rest.iter_mut().zip(&*shares) {
                *rest -= share;
            }
        }
        Ok(())
    }
}
