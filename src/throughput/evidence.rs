//! What tested the times: a suite of published runs, its error there, and whether a case lies inside.

mod suites;

pub use suites::{SUITES, Suite};

use super::engine::Engine;
use crate::fact::Evidence;
use crate::hardware::Family;
use crate::layout::Layout;
use crate::memory::Precision;
use crate::model::{FeedForward, Shape};

/// What tested a case like this: of the engine's suites the one that it is outside of in the fewest
/// ways, the first of several.
#[must_use]
pub fn evidence(
    engine: &Engine,
    shape: &Shape,
    sequence: u64,
    layout: &Layout,
    precision: Precision,
    family: Option<Family>,
) -> Option<Evidence<Suite>> {
    let of_engine = SUITES.iter().filter(|suite| suite.engines.contains(&engine.name.as_str()));
    let judged = of_engine.map(|suite| {
        let outside = outside(suite, shape, sequence, layout, precision, family);
        Evidence { suite, outside }
    });
    judged.min_by_key(|evidence| evidence.outside.len())
}

fn outside(
    suite: &Suite,
    shape: &Shape,
    sequence: u64,
    layout: &Layout,
    precision: Precision,
    family: Option<Family>,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |odd: bool, text: String| {
        if odd {
            found.push(text);
        }
    };
    let on = family.map_or("this kind of accelerator".to_owned(), |family| family.to_string());
    say(!family.is_some_and(|family| suite.families.contains(&family)), on);
    let experts = shape.blocks().any(|(_, b)| matches!(b.feed_forward, FeedForward::Experts(_)));
    let kind = if experts { "a mixture of experts" } else { "no mixture of experts" };
    say(!suite.experts.contains(&experts), kind.to_owned());
    say(!suite.fp8.contains(&precision.fp8()), format!("precision {precision}"));
    for (what, value, [least, most]) in [
        ("devices", layout.devices(), suite.devices),
        ("tokens a sequence", sequence, suite.sequence),
    ] {
        let range = if least == most {
            format!("{most} was tested")
        } else {
            format!("{least} to {most} were tested")
        };
        let text = format!("{value} {what}: {range}");
        say(!(least..=most).contains(&value), text);
    }
    let degrees = [
        ("tp", layout.tp),
        ("pp", layout.pp),
        ("cp", layout.cp),
        ("ep", layout.ep),
        ("interleave", layout.interleave),
    ];
    for ((key, degree), most) in degrees.into_iter().zip(suite.degrees) {
        let up_to = if most == 1 { "1".to_owned() } else { format!("1 to {most}") };
        say(degree > most, format!("{key} {degree}: {up_to} was tested"));
    }
    let recompute = layout.recompute;
    say(!suite.recompute.contains(&recompute), format!("recompute {recompute}"));
    found
}
