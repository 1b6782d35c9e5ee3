//! Symmetric systems of any size.

use libm::sqrt;

/// A symmetric matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Symmetric {
    size: usize,
    entries: Vec<f64>,
}

impl Symmetric {
    pub(super) fn new(size: usize) -> Self {
        Self { size, entries: vec![0.0; size * size] }
    }

    pub(super) fn clear(&mut self) {
        self.entries.fill(0.0);
    }

    /// Adds factor x x' to the lower triangle, which is all that is read.
    pub(super) fn add(&mut self, factor: f64, x: &[f64]) {
        for (i, row) in self.entries.chunks_exact_mut(self.size).enumerate() {
            let scaled = factor * x[i];
            for (entry, other) in row[..=i].iter_mut().zip(x) {
                *entry += scaled * other;
            }
        }
    }

    pub(super) fn diagonal(&self, i: usize) -> f64 {
        self.entries[i * self.size + i]
    }

    pub(super) fn grow_diagonal(&mut self, i: usize, by: f64) {
        self.entries[i * self.size + i] += by;
    }

    /// Cholesky's lower factor.
    ///
    /// # Errors
    /// The first column that the ones before leave less than `least` of.
    pub(super) fn factor(mut self, least: f64) -> Result<Lower, usize> {
        let n = self.size;
        for i in 0..n {
            for j in 0..=i {
                let (above, below) = self.entries.split_at(i * n);
                let row = if i == j { &below[..j] } else { &above[j * n..j * n + j] };
                let sum: f64 = row.iter().zip(below).map(|(a, b)| a * b).sum();
                let entry = self.entries[i * n + j] - sum;
                self.entries[i * n + j] = if i != j {
                    entry / self.entries[j * n + j]
                } else if entry.is_nan() || entry <= least * self.entries[i * n + i] {
                    return Err(i);
                } else {
                    sqrt(entry)
                };
            }
        }
        Ok(Lower(self))
    }
}

/// A lower factor L of L L'.
pub(super) struct Lower(Symmetric);

impl Lower {
    /// Solves L L' x = b in place.
    pub(super) fn solve(&self, x: &mut [f64]) {
        let Symmetric { size: n, ref entries } = self.0;
        for i in 0..n {
            let sum: f64 = entries[i * n..i * n + i].iter().zip(&*x).map(|(a, b)| a * b).sum();
            x[i] = (x[i] - sum) / entries[i * n + i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|k| entries[k * n + i] * x[k]).sum();
            x[i] = (x[i] - sum) / entries[i * n + i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let mut matrix = Symmetric::new(3);
        for x in [[1.0, 2.0, 0.5], [0.3, -1.0, 2.0], [2.0, 0.1, 1.0], [0.0, 1.0, 1.0]] {
            matrix.add(1.0, &x);
        }
        // numpy.linalg.solve of the same sums: x = (1, -2, 3)
        let times = |row: usize| {
            let at = |i: usize, j: usize| matrix.entries[i.max(j) * 3 + i.min(j)];
            at(row, 0) - 2.0 * at(row, 1) + 3.0 * at(row, 2)
        };
        let mut x = [times(0), times(1), times(2)];
        matrix.clone().factor(1e-12).ok().unwrap().solve(&mut x);
        assert!(x.iter().zip([1.0, -2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{x:?}");
        let mut singular = Symmetric::new(2);
        singular.add(1.0, &[1.0, 2.0]);
        assert_eq!(singular.factor(1e-9).err(), Some(1));
    }
}
