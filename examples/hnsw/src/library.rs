//! Synthetic documents, each about a subject with a part of one of the tastes: the same on every machine.

pub const FEATURES: usize = 384;
pub const SUBJECTS: usize = 50;
const TASTES: usize = 8;

type Vector = [f32; FEATURES];

pub struct Library {
    pub rows: Vec<Vector>,
}

impl Library {
    pub fn new(count: usize) -> Self {
        let parts = |id: usize| {
            [
                (direction(1_000_000 + id % SUBJECTS), 1.0),
                (direction(2_000_000 + taste_of(id)), 0.4),
                (direction(3_000_000 + id), 0.8),
            ]
        };
        Self { rows: (0..count).map(|id| mix(&parts(id))).collect() }
    }

    /// Without an index.
    pub fn nearest(&self, query: &Vector, count: usize) -> Vec<usize> {
        let dot = |row: &Vector| row.iter().zip(query).map(|(a, b)| a * b).sum::<f32>();
        let mut scored: Vec<_> = self.rows.iter().map(dot).enumerate().collect();
        scored.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        scored.iter().take(count).map(|(id, _)| *id).collect()
    }
}

pub fn taste_of(id: usize) -> usize {
    id / SUBJECTS % TASTES
}

pub fn query_about(subject: usize) -> Vector {
    mix(&[(direction(1_000_000 + subject), 1.0), (direction(9_000_000 + subject), 0.8)])
}

/// A random direction, always the same for the same seed.
fn direction(seed: usize) -> Vector {
    let mut state = (seed as u32).wrapping_mul(2_654_435_761);
    unit(std::array::from_fn(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    }))
}

fn mix(parts: &[(Vector, f32)]) -> Vector {
    unit(std::array::from_fn(|i| parts.iter().map(|(vector, weight)| weight * vector[i]).sum()))
}

fn unit(vector: Vector) -> Vector {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.map(|value| value / norm)
}
