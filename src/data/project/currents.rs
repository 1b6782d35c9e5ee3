//! Currents in a network, by an elimination that keeps its digits where it is all but singular.

/// The least pivot, as a share of a node's links: less is lost in the rounding of what is given.
const LEAST: f64 = 1e-16;

/// Potentials in a network: with G = B B', row by row in `links`, and `ground` to earth, the `v`
/// at which the currents (ground + sum of G) v - G v are those given.
///
/// Elimination that never subtracts, as Grassmann, Taksar and Heyman take out the states of a
/// Markov chain (1985, "Regenerative analysis and steady state distributions for Markov chains",
/// Operations Research): pivots are sums of what a node is linked to, exact to rounding however
/// little of it is ground. The least linked nodes go first, so that [`LEAST`] never cuts one off.
pub(super) fn currents(links: &[f64], width: usize, ground: &[f64], given: &[f64]) -> Vec<f64> {
    let size = given.len();
    let mut joint = vec![0.0; size * size];
    let mut linked = vec![0.0; size];
    let own = |node: usize| &links[node * width..(node + 1) * width];
    let weight = |node: usize| dot(own(node), own(node));
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|a, b| weight(*a).total_cmp(&weight(*b)));
    let row = |a: usize| own(order[a]);
    let mut ground: Vec<f64> = order.iter().map(|&node| ground[node]).collect();
    let mut given: Vec<f64> = order.iter().map(|&node| given[node]).collect();
    for a in 0..size {
        linked[a] += dot(row(a), row(a));
        for b in a + 1..size {
            let both = dot(row(a), row(b));
            joint[a * size + b] = both;
            linked[a] += both;
            linked[b] += both;
        }
    }
    let mut pivots = vec![0.0; size];
    for a in 0..size {
        let (done, rest) = joint.split_at_mut((a + 1) * size);
        let row = &done[a * size..];
        let pivot = (ground[a] + row[a + 1..].iter().sum::<f64>()).max(LEAST * linked[a]);
        pivots[a] = pivot;
        if pivot <= 0.0 {
            continue;
        }
        for b in a + 1..size {
            let share = row[b] / pivot;
            if share > 0.0 {
                let at = (b - a - 1) * size;
                add(&mut rest[at + b + 1..at + size], share, &row[b + 1..]);
                ground[b] += share * ground[a];
                given[b] += share * given[a];
            }
        }
    }
    for a in (0..size).rev() {
        let row = &joint[a * size + a + 1..(a + 1) * size];
        let sum = given[a] + dot(row, &given[a + 1..]);
        given[a] = if pivots[a] > 0.0 { sum / pivots[a] } else { 0.0 };
    }
    let mut potentials = vec![0.0; size];
    for (node, potential) in order.into_iter().zip(given) {
        potentials[node] = potential;
    }
    potentials
}

/// The sum of products, in eight strands that a machine can add at once.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Adds a multiple of a row.
pub(super) fn add(to: &mut [f64], times: f64, row: &[f64]) {
    to.iter_mut().zip(row).for_each(|(to, row)| *to += times * row);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of three with a link of 1 each and ground e at one end: a current of 1 in at the
    /// other end raises the ends to 1/e, 1/e + 1 and 1/e + 2.
    #[test]
    fn little_ground_is_seen() {
        for ground in [1.0, 1e-6, 1e-14] {
            // G = B B' with B's columns the links, scaled to joint 1 between neighbours
            let links = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0];
            let found = currents(&links, 2, &[ground, 0.0, 0.0], &[0.0, 0.0, 1.0]);
            for (found, rise) in found.iter().zip([0.0, 1.0, 2.0]) {
                let exact = 1.0 / ground + rise;
                assert!((found - exact).abs() < 4e-16 * exact, "{found} for {exact}");
            }
        }
    }

    #[test]
    fn a_node_without_links_or_ground_stays_at_0() {
        assert_eq!(currents(&[0.0], 1, &[0.0], &[1.0]), [0.0]);
    }

    #[test]
    fn strands_add_up() {
        let row: Vec<f64> = (1..=21).map(f64::from).collect();
        assert!((dot(&row, &row) - 3311.0).abs() < 1e-12);
    }
}
