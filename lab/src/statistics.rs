use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean with the half width of its 95 % confidence interval (Student's t).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    /// Infinite for a single value, since its spread is unknown.
    pub half_width: f64,
}

impl Estimate {
    /// # Panics
    /// Without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        assert!(n > 0.0, "expected at least one value, got none");
        let mean = values.iter().sum::<f64>() / n;
        let Ok(t) = StudentsT::new(0.0, 1.0, n - 1.0) else {
            return Self { mean, half_width: f64::INFINITY };
        };
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self { mean, half_width: t.inverse_cdf(0.975) * (variance / n).sqrt() }
    }

    /// Whether the whole interval lies above zero.
    pub fn is_positive(&self) -> bool {
        self.mean - self.half_width > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_example() {
        // Standard deviation 2.738613, t(0.975, 9 - 1) = 2.306004.
        let estimate = Estimate::of((1..=9).map(f64::from));
        assert_eq!(estimate.mean, 5.0);
        assert!((estimate.half_width - 2.105_084).abs() < 1e-5, "{estimate:?}");
        assert!(estimate.is_positive());
    }

    #[test]
    fn a_single_value_has_no_interval() {
        let estimate = Estimate::of([1.0]);
        assert_eq!(estimate, Estimate { mean: 1.0, half_width: f64::INFINITY });
        assert!(!estimate.is_positive());
    }
}
