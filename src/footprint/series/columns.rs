//! Which column of a grid series is what.

use super::SeriesError;
use crate::fact::nearest;
use csv::StringRecord;

/// The columns that are read.
pub(super) struct Columns {
    pub(super) time: usize,
    pub(super) grams: usize,
}

/// Words of a column that holds moments: the first that is found counts.
const TIMES: [&str; 5] = ["timestamp", "datetime", "point_time", "time", "from"];
/// Words of a column that holds intensities; one of the best group counts.
const GRAMS: [&str; 4] = ["intensity", "gco2", "carbon", "actual"];

impl Columns {
    pub(super) fn find(header: &StringRecord, named: Option<&str>) -> Result<Self, SeriesError> {
        let lower: Vec<String> = header.iter().map(str::to_lowercase).collect();
        let listed = || header.iter().map(str::to_owned).collect::<Vec<_>>();
        let with = |word: &str| -> Vec<usize> {
            (0..lower.len()).filter(|&at| lower[at].contains(word)).collect()
        };
        let times = TIMES.iter().map(|word| with(word)).find(|found| !found.is_empty());
        let Some(time) = times.and_then(|found| found.first().copied()) else {
            return Err(SeriesError::NoTime { header: listed() });
        };
        let grams = match named {
            Some(name) => {
                lower.iter().position(|own| *own == name.to_lowercase()).ok_or_else(|| {
                    let nearest = nearest(name, header.iter());
                    SeriesError::Unknown { name: name.to_owned(), nearest, header: listed() }
                })?
            }
            None => only(header, GRAMS.iter().map(|word| with(word)))?,
        };
        if ["lb", "kg/", "kgco2", "moer"].iter().any(|unit| lower[grams].contains(unit)) {
            return Err(SeriesError::Unit { name: header[grams].to_owned() });
        }
        Ok(Self { time, grams })
    }
}

/// The one column of the first group that has any.
fn only(
    header: &StringRecord,
    mut groups: impl Iterator<Item = Vec<usize>>,
) -> Result<usize, SeriesError> {
    let names = |found: &[usize]| found.iter().map(|&at| header[at].to_owned()).collect();
    // "carbon intensity data source" and the like are no numbers
    let number = |at: &usize| {
        let name = header[*at].to_lowercase();
        !["source", "estimat", "method", "index"].iter().any(|word| name.contains(word))
    };
    let found = groups.find_map(|found| {
        let found: Vec<usize> = found.into_iter().filter(number).collect();
        (!found.is_empty()).then_some(found)
    });
    match found.as_deref() {
        Some([one]) => Ok(*one),
        Some(several) => Err(SeriesError::Ambiguous { names: names(several) }),
        None => Err(SeriesError::NoGrams { header: header.iter().map(str::to_owned).collect() }),
    }
}
